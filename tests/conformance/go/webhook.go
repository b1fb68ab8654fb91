package main

import (
	"fmt"
	"sort"
	"strconv"

	"github.com/efficientip-labs/solidserver-go-client/sdsclient"
)

// webhook makes the calls of EfficientIP's webhook for external-dns, with the same parameters: zones of a server, all
// rows of each zone, one add for each target, one delete for each target without naming a server. The webhook itself
// ignores what its writes are answered; here they are looked at.
func (s *session) webhook() {
	s.check("external-dns webhook: zones and records", func() error {
		ids, err := s.webhookZones()
		if err != nil {
			return err
		}
		_, err = s.webhookRecords(ids[s.zone])
		return err
	})
	s.check("external-dns webhook: create, update, delete", func() error {
		ids, err := s.webhookZones()
		if err != nil {
			return err
		}
		alias, text := s.name("webhook-alias"), s.name("webhook-text")
		owner := "\"heritage=external-dns,external-dns/owner=conformance\""
		if err := all(
			s.webhookAdd("webhook", "A", "192.0.2.71"),
			s.webhookAdd("webhook", "A", "192.0.2.72"),
			s.webhookAdd("webhook-alias", "CNAME", "www.example.net"),
			s.webhookAdd("webhook-text", "TXT", owner),
		); err != nil {
			return err
		}
		found, err := s.webhookRecords(ids[s.zone])
		if err != nil {
			return err
		}
		sort.Strings(found[s.name("webhook")+" A"])
		if err := all(
			equal(found[s.name("webhook")+" A"], []string{"192.0.2.71 300", "192.0.2.72 300"}, "targets of A"),
			equal(found[alias+" CNAME"], []string{"www.example.net 300"}, "target of CNAME"),
			equal(found[text+" TXT"], []string{owner + " 300"}, "text, byte for byte"),
		); err != nil {
			return err
		}
		// An update is a delete and an add.
		if err := all(
			s.webhookDelete("webhook", "A", "192.0.2.72"), s.webhookAdd("webhook", "A", "192.0.2.73"),
			s.holds("webhook", "300 A 192.0.2.71", "300 A 192.0.2.73"),
		); err != nil {
			return err
		}
		return all(
			s.webhookDelete("webhook", "A", "192.0.2.71"), s.webhookDelete("webhook", "A", "192.0.2.73"),
			s.webhookDelete("webhook-alias", "CNAME", "www.example.net"),
			s.webhookDelete("webhook-text", "TXT", owner),
			s.holds("webhook"), s.holds("webhook-alias"), s.holds("webhook-text"),
		)
	})
}

// webhookZones are the ids of the server's zones by name.
func (s *session) webhookZones() (map[string]string, error) {
	where := fmt.Sprintf("server_name='%s'", s.server)
	if s.view != "" {
		where += fmt.Sprintf(" AND view_name='%s'", s.view)
	}
	zones, _, err := s.dns.DnsZoneList(s.ctx).Where(where).Execute()
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for _, zone := range zones.GetData() {
		if zone.GetZoneType() == "" {
			return nil, fmt.Errorf("zone %s has no type", zone.GetZoneName())
		}
		ids[zone.GetZoneName()] = zone.GetZoneId()
	}
	if ids[s.zone] == "" {
		return nil, fmt.Errorf("zone %s is not among %v", s.zone, ids)
	}
	return ids, nil
}

// webhookRecords are targets with their TTL by "name type".
func (s *session) webhookRecords(zone string) (map[string][]string, error) {
	records, _, err := s.dns.DnsRrList(s.ctx).Where("zone_id=" + zone).Orderby("rr_full_name").Execute()
	if err != nil {
		return nil, err
	}
	found, last := map[string][]string{}, ""
	for _, row := range records.GetData() {
		if _, err := strconv.Atoi(row.GetRrTtl()); err != nil {
			return nil, fmt.Errorf("TTL of %s: %w", row.GetRrFullName(), err)
		}
		if row.GetRrFullName() < last {
			return nil, fmt.Errorf("%s comes after %s", row.GetRrFullName(), last)
		}
		last = row.GetRrFullName()
		key := row.GetRrFullName() + " " + row.GetRrType()
		found[key] = append(found[key], row.GetRrAllValue()+" "+row.GetRrTtl())
	}
	return found, nil
}

func (s *session) webhookAdd(label, rrType, target string) error {
	name, ttl := s.name(label), int32(300)
	// A view that is not set is sent as an empty string.
	answer, _, err := s.dns.DnsRrAdd(s.ctx).DnsRrAddInput(sdsclient.DnsRrAddInput{ServerName: &s.server,
		ViewName: &s.view, RrName: &name, RrType: &rrType, RrTtl: &ttl, RrValue1: &target}).Execute()
	return all(err, equal(answer.GetSuccess(), true, "success of add"))
}

func (s *session) webhookDelete(label, rrType, target string) error {
	answer, _, err := s.dns.DnsRrDelete(s.ctx).RrName(s.name(label)).RrType(rrType).RrValue1(target).Execute()
	return all(err, equal(answer.GetSuccess(), true, "success of delete"))
}
