package main

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	"github.com/efficientip-labs/solidserver-go-client/sdsclient"
)

// unknownID is an id that no object has.
const unknownID = int32(2147483000)

func number(id string) int32 {
	parsed, err := strconv.ParseInt(id, 10, 32)
	if err != nil {
		return -1
	}
	return int32(parsed)
}

// counted is the one number that a count gives.
func counted(answer *sdsclient.ApiCountResponseSuccess, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	if len(answer.GetData()) != 1 {
		return 0, fmt.Errorf("%d entries instead of one", len(answer.GetData()))
	}
	return int(answer.GetData()[0].GetCount()), nil
}

// refusedWith is an error unless the appliance refused the call with 400 and these words.
func refusedWith(answer *http.Response, err error, words string) error {
	var refusal *sdsclient.GenericOpenAPIError
	switch {
	case err == nil:
		return errors.New("accepted")
	case answer == nil:
		return err
	case answer.StatusCode != http.StatusBadRequest:
		return fmt.Errorf("status %s: %w", answer.Status, err)
	case !errors.As(err, &refusal):
		return fmt.Errorf("not the client's error: %w", err)
	}
	messages := messagesOf(refusal.Model())
	if len(messages) == 0 {
		return fmt.Errorf("the client found no message in %q", refusal.Body())
	}
	return all(equal(messages[0].GetType(), "error", "type of the message"), containsText(messages[0].GetMsg(), words),
		containsText(string(refusal.Body()), words))
}

// messagesOf are the messages that the client read in a refusal. Each service has a type of its own for it, and all have
// this field.
func messagesOf(model any) []sdsclient.ApiMessageEntry {
	value := reflect.ValueOf(model)
	if value.Kind() != reflect.Struct {
		return nil
	}
	messages, _ := value.FieldByName("Messages").Interface().([]sdsclient.ApiMessageEntry)
	return messages
}

func (s *session) read() {
	inZone := fmt.Sprintf("zone_name='%s' and server_name='%s'", s.zone, s.server)
	s.check("server: list, info, count", func() error {
		where := fmt.Sprintf("server_name='%s'", s.server)
		list, _, err := s.dns.DnsServerList(s.ctx).Where(where).Execute()
		if err != nil {
			return err
		}
		if len(list.GetData()) != 1 {
			return fmt.Errorf("%d servers", len(list.GetData()))
		}
		server := list.GetData()[0]
		info, _, err := s.dns.DnsServerInfo(s.ctx).ServerId(number(server.GetServerId())).Execute()
		if err != nil {
			return err
		}
		count, err := counted(first(s.dns.DnsServerCount(s.ctx).Where(where).Execute()))
		return all(err,
			equal(info.GetData()[0].GetServerName(), s.server, "name"),
			equal(list.GetSuccess(), true, "success"),
			equal(count, 1, "count"))
	})
	s.check("view: list, info, count", func() error {
		list, _, err := s.dns.DnsViewList(s.ctx).Limit(1).Execute()
		if err != nil {
			return err
		}
		if len(list.GetData()) == 0 {
			return skipped("there are no views")
		}
		view := list.GetData()[0]
		info, _, err := s.dns.DnsViewInfo(s.ctx).ViewId(number(view.GetViewId())).Execute()
		if err != nil {
			return err
		}
		count, err := counted(first(s.dns.DnsViewCount(s.ctx).Where("view_id=" + view.GetViewId()).Execute()))
		return all(err, equal(info.GetData()[0].GetViewName(), view.GetViewName(), "name"), equal(count, 1, "count"))
	})
	s.check("zone: list, info, count", func() error {
		list, _, err := s.dns.DnsZoneList(s.ctx).Where(inZone).Execute()
		if err != nil {
			return err
		}
		zone := list.GetData()[0]
		info, _, err := s.dns.DnsZoneInfo(s.ctx).ZoneId(number(zone.GetZoneId())).Execute()
		if err != nil {
			return err
		}
		count, err := counted(first(s.dns.DnsZoneCount(s.ctx).Where(inZone).Execute()))
		return all(err,
			equal(info.GetData()[0].GetZoneName(), s.zone, "name"),
			equal(zone.GetZoneType(), "master", "type"),
			equal(count, len(list.GetData()), "count"))
	})
	s.check("rr: list, info, count", func() error {
		list, _, err := s.dns.DnsRrList(s.ctx).Where(inZone).Orderby("rr_id").Execute()
		if err != nil {
			return err
		}
		row := list.GetData()[0]
		info, _, err := s.dns.DnsRrInfo(s.ctx).RrId(number(row.GetRrId())).Execute()
		if err != nil {
			return err
		}
		count, err := counted(first(s.dns.DnsRrCount(s.ctx).Where(inZone).Execute()))
		return all(err,
			equal(info.GetData()[0].GetRrFullName(), row.GetRrFullName(), "name"),
			equal(info.GetData()[0].GetRrAllValue(), row.GetRrAllValue(), "values"),
			equal(count, len(list.GetData()), "count"))
	})
	s.check("rr: pages and select", func() error {
		whole, _, err := s.dns.DnsRrList(s.ctx).Where(inZone).Orderby("rr_id").Execute()
		if err != nil {
			return err
		}
		var paged, expected []string
		for _, row := range whole.GetData() {
			expected = append(expected, row.GetRrId())
			page, _, err := s.dns.DnsRrList(s.ctx).Where(inZone).Orderby("rr_id").Select_("rr_id").
				Limit(1).Offset(int32(len(paged))).Execute()
			if err != nil {
				return err
			}
			if len(page.GetData()) != 1 || page.GetData()[0].HasRrType() {
				return fmt.Errorf("page %d: %d rows, or a column that was not selected", len(paged), len(page.GetData()))
			}
			paged = append(paged, page.GetData()[0].GetRrId())
		}
		return equal(paged, expected, "ids")
	})
	s.check("rr: empty list, count, info", func() error {
		nothing := fmt.Sprintf("rr_full_name='%s'", s.name("nothing"))
		list, answer, err := s.dns.DnsRrList(s.ctx).Where(nothing).Execute()
		if err != nil {
			return err
		}
		if s.simulated {
			// A real appliance may answer 204; what the suite is sure of is what the simulator says by default.
			err = all(equal(answer.StatusCode, http.StatusOK, "status"), equal(list.GetSuccess(), true, "success"))
		}
		count, countErr := counted(first(s.dns.DnsRrCount(s.ctx).Where(nothing).Execute()))
		return all(err, countErr, equal(len(list.GetData()), 0, "rows"), equal(count, 0, "count"))
	})
}

// first drops the HTTP answer of a call.
func first[T any](value T, _ *http.Response, err error) (T, error) { return value, err }
