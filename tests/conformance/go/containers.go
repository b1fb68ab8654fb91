package main

import (
	"fmt"
	"sort"

	"github.com/efficientip-labs/solidserver-go-client/sdsclient"
)

// containers: views and zones are made only on the simulator.
func (s *session) containers() {
	if !s.simulated {
		return
	}
	host, view, zone := "views.example.com", s.prefix+"-view", s.prefix+"-zone.example.net"
	viewID, zoneID := "", ""
	s.check("view: add", func() error {
		recursion := "no"
		answer, _, err := s.dns.DnsViewAdd(s.ctx).DnsViewAddInput(sdsclient.DnsViewAddInput{
			ServerName: &host, ViewName: &view, ViewRecursion: &recursion}).Execute()
		if err != nil {
			return err
		}
		viewID = answer.GetData()[0].GetViewId()
		return s.viewIs(viewID, view, "no")
	})
	s.check("view: edit", func() error {
		id, recursion := number(viewID), "yes"
		_, _, err := s.dns.DnsViewEdit(s.ctx).
			DnsViewEditInput(sdsclient.DnsViewEditInput{ViewId: &id, ViewRecursion: &recursion}).Execute()
		return all(err, s.viewIs(viewID, view, "yes"))
	})
	s.check("zone: add in the view", func() error {
		kind := "master"
		answer, _, err := s.dns.DnsZoneAdd(s.ctx).DnsZoneAddInput(sdsclient.DnsZoneAddInput{
			ServerName: &host, ViewName: &view, ZoneName: &zone, ZoneType: &kind}).Execute()
		if err != nil {
			return err
		}
		zoneID = answer.GetData()[0].GetZoneId()
		rows, _, err := s.dns.DnsRrList(s.ctx).Where("zone_id=" + zoneID).Execute()
		types := []string{}
		for _, row := range rows.GetData() {
			types = append(types, row.GetRrType())
		}
		sort.Strings(types)
		return all(err, equal(types, []string{"NS", "SOA"}, "types of the rows of a new zone"))
	})
	s.check("zone: add again", func() error {
		kind := "master"
		_, answer, err := s.dns.DnsZoneAdd(s.ctx).DnsZoneAddInput(sdsclient.DnsZoneAddInput{
			ServerName: &host, ViewName: &view, ZoneName: &zone, ZoneType: &kind}).Execute()
		return refusedWith(answer, err, "exist")
	})
	s.check("zone: edit", func() error {
		id, notify := number(zoneID), "explicit"
		_, _, err := s.dns.DnsZoneEdit(s.ctx).
			DnsZoneEditInput(sdsclient.DnsZoneEditInput{ZoneId: &id, ZoneNotify: &notify}).Execute()
		if err != nil {
			return err
		}
		info, _, err := s.dns.DnsZoneInfo(s.ctx).ZoneId(id).Execute()
		if err != nil {
			return err
		}
		return all(equal(info.GetData()[0].GetZoneNotify(), "explicit", "notify"),
			equal(info.GetData()[0].GetViewName(), view, "view"))
	})
	s.check("zone: delete", func() error {
		_, _, err := s.dns.DnsZoneDelete(s.ctx).ZoneId(number(zoneID)).Execute()
		count, countErr := counted(first(s.dns.DnsRrCount(s.ctx).Where("zone_id=" + zoneID).Execute()))
		return all(err, countErr, equal(count, 0, "rows of the zone"))
	})
	s.check("zone: delete again", func() error {
		_, answer, err := s.dns.DnsZoneDelete(s.ctx).ZoneId(number(zoneID)).Execute()
		return refusedWith(answer, err, "does not exist")
	})
	s.check("view: delete", func() error {
		_, _, err := s.dns.DnsViewDelete(s.ctx).ViewId(number(viewID)).Execute()
		count, countErr := counted(first(s.dns.DnsViewCount(s.ctx).Where("view_id=" + viewID).Execute()))
		return all(err, countErr, equal(count, 0, "views"))
	})
}

// viewIs is an error unless the view has this name and setting.
func (s *session) viewIs(id, name, recursion string) error {
	info, _, err := s.dns.DnsViewInfo(s.ctx).ViewId(number(id)).Execute()
	if err != nil {
		return err
	}
	if len(info.GetData()) != 1 {
		return fmt.Errorf("%d views", len(info.GetData()))
	}
	return all(equal(info.GetData()[0].GetViewName(), name, "name"),
		equal(info.GetData()[0].GetViewRecursion(), recursion, "recursion"))
}
