package main

import (
	"fmt"
	"net/http"
	"sort"
	"strings"

	"github.com/efficientip-labs/solidserver-go-client/sdsclient"
)

// lives are the types that are added, edited and deleted: first values, then values.
var lives = []struct {
	rrType string
	first  []string
	then   []string
}{
	{"A", []string{"192.0.2.11"}, []string{"192.0.2.12"}},
	{"CNAME", []string{"www.example.net"}, []string{"www2.example.net"}},
	{"DNAME", []string{"old.example.net"}, []string{"new.example.net"}},
	{"TXT", []string{"heritage=external-dns,external-dns/owner=conformance"}, []string{"one & two = 100 % + ü"}},
	{"NS", []string{"ns1.example.net"}, []string{"ns2.example.net"}},
	{"MX", []string{"10", "mx1.example.net"}, []string{"20", "mx2.example.net"}},
	{"SRV", []string{"1", "2", "5060", "sip1.example.net"}, []string{"3", "4", "5061", "sip2.example.net"}},
	{"NAPTR",
		[]string{"100", "10", "U", "E2U+sip", "!^.*$!sip:info@example.net!", "."},
		[]string{"200", "20", "S", "SIP+D2U", "", "_sip._udp.example.net"}},
}

// values are the first seven columns of a row without the unused ones at the end.
func values(row sdsclient.DataInnerDnsRrData) []string {
	columns := []string{row.GetRrValue1(), row.GetRrValue2(), row.GetRrValue3(), row.GetRrValue4(), row.GetRrValue5(),
		row.GetRrValue6(), row.GetRrValue7()}
	for len(columns) > 0 && columns[len(columns)-1] == "" {
		columns = columns[:len(columns)-1]
	}
	return columns
}

// held is what the appliance has at a name of this run: "TTL TYPE values", in order. Rows of members are left out.
func (s *session) held(label string) ([]string, error) {
	rows, err := s.rows(label)
	found := []string{}
	for _, row := range rows {
		found = append(found, strings.Join(append([]string{row.GetRrTtl(), row.GetRrType()}, values(row)...), " "))
	}
	sort.Strings(found)
	return found, err
}

func (s *session) rows(label string) ([]sdsclient.DataInnerDnsRrData, error) {
	where := fmt.Sprintf("rr_full_name='%s' and server_name='%s'", s.name(label), s.server)
	list, _, err := s.dns.DnsRrList(s.ctx).Where(where).Execute()
	return list.GetData(), err
}

// holds is an error unless exactly these rows are at the name.
func (s *session) holds(label string, expected ...string) error {
	found, err := s.held(label)
	return all(err, equal(found, append([]string{}, expected...), "what the appliance holds"))
}

// input is an add of this type with these values.
func (s *session) input(label, rrType string, ttl int32, values []string) sdsclient.DnsRrAddInput {
	name := s.name(label)
	input := sdsclient.DnsRrAddInput{ServerName: &s.server, ZoneName: &s.zone, RrName: &name, RrType: &rrType, RrTtl: &ttl}
	if s.view != "" {
		input.ViewName = &s.view
	}
	columns := []**string{&input.RrValue1, &input.RrValue2, &input.RrValue3, &input.RrValue4, &input.RrValue5,
		&input.RrValue6, &input.RrValue7}
	for index := range values {
		*columns[index] = &values[index]
	}
	return input
}

// add gives the id of the new row.
func (s *session) add(label, rrType string, ttl int32, values ...string) (string, error) {
	answer, _, err := s.dns.DnsRrAdd(s.ctx).DnsRrAddInput(s.input(label, rrType, ttl, values)).Execute()
	if err != nil {
		return "", err
	}
	if len(answer.GetData()) != 1 || answer.GetData()[0].GetRrId() == "" || !answer.GetSuccess() {
		return "", fmt.Errorf("no id in the answer: %+v", answer)
	}
	return answer.GetData()[0].GetRrId(), nil
}

func (s *session) remove(id string) error {
	answer, _, err := s.dns.DnsRrDelete(s.ctx).RrId(number(id)).Execute()
	return all(err, equal(answer.GetSuccess(), true, "success of the delete"))
}

func (s *session) records() {
	for _, life := range lives {
		s.life(life.rrType, life.first, life.then, life.first, life.then)
	}
	s.check("rr: relative name with its zone", func() error {
		input := s.input("relative", "A", 60, []string{"192.0.2.31"})
		relative := strings.TrimSuffix(s.name("relative"), "."+s.zone)
		input.RrName = &relative
		_, _, err := s.dns.DnsRrAdd(s.ctx).DnsRrAddInput(input).Execute()
		return all(err, s.holds("relative", "60 A 192.0.2.31"), s.removeAll("relative"))
	})
	s.check("rr: delete by name, type and value", func() error {
		_, err := s.add("several", "A", 60, "192.0.2.41")
		_, second := s.add("several", "A", 60, "192.0.2.42")
		if err := all(err, second); err != nil {
			return err
		}
		request := s.dns.DnsRrDelete(s.ctx).ServerName(s.server).RrName(s.name("several")).RrType("A").
			RrValue1("192.0.2.41")
		if s.view != "" {
			request = request.ViewName(s.view)
		}
		_, _, err = request.Execute()
		return all(err, s.holds("several", "60 A 192.0.2.42"), s.removeAll("several"))
	})
}

// removeAll removes what this run made at a name.
func (s *session) removeAll(label string) error {
	rows, err := s.rows(label)
	for _, row := range rows {
		err = all(err, s.remove(row.GetRrId()))
	}
	return all(err, s.holds(label))
}

// longAddress: an IPv6 address is kept in its long form, and found by that one only.
func (s *session) longAddress() {
	long := func(last string) string { return "2001:0db8:0000:0000:0000:0000:0000:" + last }
	s.life("AAAA", []string{"2001:db8::11"}, []string{"2001:db8::12"}, []string{long("0011")}, []string{long("0012")})
	s.check("rr AAAA: found by its long form only", func() error {
		id, err := s.add("long", "AAAA", 60, "2001:db8::1")
		if err != nil {
			return err
		}
		found := func(address string) (int, error) {
			where := fmt.Sprintf("rr_full_name='%s' and server_name='%s' and rr_value1='%s'", s.name("long"), s.server, address)
			return counted(first(s.dns.DnsRrCount(s.ctx).Where(where).Execute()))
		}
		short, shortErr := found("2001:db8::1")
		expanded, longErr := found(long("0001"))
		return all(shortErr, longErr, equal(short, 0, "found by the short form"),
			equal(expanded, 1, "found by the long form"), s.remove(id))
	})
}

// life is add, read, edit and delete of one type.
func (s *session) life(rrType string, first, then, stored, storedThen []string) {
	label, id := strings.ToLower(rrType), ""
	shown := func(ttl string, values []string) string { return ttl + " " + rrType + " " + strings.Join(values, " ") }
	s.check("rr "+rrType+": add", func() (err error) {
		id, err = s.add(label, rrType, 600, first...)
		return all(err, s.holds(label, shown("600", stored)))
	})
	s.check("rr "+rrType+": info", func() error {
		info, _, err := s.dns.DnsRrInfo(s.ctx).RrId(number(id)).Execute()
		if err != nil {
			return err
		}
		row := info.GetData()[0]
		return all(equal(row.GetRrFullName(), s.name(label), "name"), equal(values(row), stored, "values"),
			equal(row.GetServerName(), s.server, "server"), equal(row.GetZoneName(), s.zone, "zone"))
	})
	s.check("rr "+rrType+": edit by id", func() error {
		ttl, row := int32(1200), number(id)
		given := s.input(label, rrType, ttl, then)
		edit := sdsclient.DnsRrEditInput{RrId: &row, RrTtl: &ttl, RrValue1: given.RrValue1, RrValue2: given.RrValue2,
			RrValue3: given.RrValue3, RrValue4: given.RrValue4, RrValue5: given.RrValue5, RrValue6: given.RrValue6}
		answer, _, err := s.dns.DnsRrEdit(s.ctx).DnsRrEditInput(edit).Execute()
		if err != nil {
			return err
		}
		return all(equal(answer.GetSuccess(), true, "success"), s.holds(label, shown("1200", storedThen)))
	})
	s.check("rr "+rrType+": delete by id", func() error {
		rows, err := s.rows(label)
		if err != nil || len(rows) != 1 {
			return all(err, equal(len(rows), 1, "rows before"))
		}
		return all(s.remove(rows[0].GetRrId()), s.holds(label))
	})
}

func (s *session) classParameters() {
	wanted := map[string]string{"owner": "net&sys", "note": "a=b + c; 100 %", "city": "Zürich"}
	set := func(row sdsclient.DataInnerDnsRrData) map[string]string {
		found := map[string]string{}
		for _, parameter := range row.GetRrClassParameters() {
			if parameter.GetInheritance() == "set" {
				found[parameter.GetName()] = parameter.GetValue()
			}
		}
		return found
	}
	entry := func(name, value string) sdsclient.ApiClassParameterInputEntry {
		inheritance, propagation := "set", "restrict"
		return sdsclient.ApiClassParameterInputEntry{Name: &name, Value: &value, Inheritance: &inheritance,
			Propagation: &propagation}
	}
	held := func() (map[string]string, error) {
		rows, err := s.rows("classes")
		if err != nil || len(rows) != 1 {
			return nil, all(err, equal(len(rows), 1, "rows"))
		}
		return set(rows[0]), nil
	}
	id := ""
	s.check("class parameters: set by add", func() error {
		input := s.input("classes", "A", 60, []string{"192.0.2.51"})
		for name, value := range wanted {
			input.RrClassParameters = append(input.RrClassParameters, entry(name, value))
		}
		answer, _, err := s.dns.DnsRrAdd(s.ctx).DnsRrAddInput(input).Execute()
		if err != nil {
			return err
		}
		id = answer.GetData()[0].GetRrId()
		found, err := held()
		return all(err, equal(found, wanted, "class parameters"))
	})
	s.check("class parameters: add, change and delete by edit", func() error {
		row := number(id)
		edit := sdsclient.DnsRrEditInput{RrId: &row,
			RrClassParameters:       []sdsclient.ApiClassParameterInputEntry{entry("owner", "web"), entry("ticket", "42")},
			ClassParametersToDelete: []string{"note"}}
		if _, _, err := s.dns.DnsRrEdit(s.ctx).DnsRrEditInput(edit).Execute(); err != nil {
			return err
		}
		found, err := held()
		expected := map[string]string{"owner": "web", "ticket": "42", "city": "Zürich"}
		return all(err, equal(found, expected, "class parameters"), s.holds("classes", "60 A 192.0.2.51"))
	})
	s.check("class parameters: delete the record", func() error { return s.removeAll("classes") })
}

func (s *session) errors() {
	s.check("error: add of an identical record", func() error {
		id, err := s.add("twice", "A", 60, "192.0.2.61")
		if err != nil {
			return err
		}
		_, answer, err := s.dns.DnsRrAdd(s.ctx).DnsRrAddInput(s.input("twice", "A", 60, []string{"192.0.2.61"})).Execute()
		if !s.simulated && err == nil {
			// What a real appliance does with it is an open question.
			return all(s.holds("twice", "60 A 192.0.2.61"), s.remove(id))
		}
		return all(refusedWith(answer, err, "already exist"), s.holds("twice", "60 A 192.0.2.61"), s.remove(id))
	})
	s.check("error: delete of an unknown id", func() error {
		_, answer, err := s.dns.DnsRrDelete(s.ctx).RrId(unknownID).Execute()
		return refusedWith(answer, err, "does not exist")
	})
	s.check("error: delete of an unknown name", func() error {
		_, answer, err := s.dns.DnsRrDelete(s.ctx).ServerName(s.server).RrName(s.name("nothing")).
			RrValue1("none").Execute()
		return refusedWith(answer, err, "does not exist")
	})
	s.check("error: edit of an unknown id", func() error {
		row, value := unknownID, "192.0.2.62"
		_, answer, err := s.dns.DnsRrEdit(s.ctx).
			DnsRrEditInput(sdsclient.DnsRrEditInput{RrId: &row, RrValue1: &value}).Execute()
		return refusedWith(answer, err, "does not exist")
	})
	s.check("error: add without parameters", func() error {
		ttl := int32(60)
		_, answer, err := s.dns.DnsRrAdd(s.ctx).DnsRrAddInput(sdsclient.DnsRrAddInput{RrTtl: &ttl}).Execute()
		return refusedWith(answer, err, "parameter")
	})
	s.check("error: bad value", func() error {
		_, answer, err := s.dns.DnsRrAdd(s.ctx).
			DnsRrAddInput(s.input("bad", "A", 60, []string{"not-an-address"})).Execute()
		return all(refusedWith(answer, err, ""), s.holds("bad"))
	})
	s.check("error: where with a syntax error", func() error {
		_, answer, err := s.dns.DnsRrList(s.ctx).Where("rr_full_name='").Execute()
		return refusedWith(answer, err, "")
	})
	s.check("error: info without an id", func() error {
		_, answer, err := s.dns.DnsRrInfo(s.ctx).Execute()
		return refusedWith(answer, err, "parameter")
	})
}

// refused: a login that is wrong gives 401.
func (s *session) refused() {
	s.check("wrong secret", func() error {
		if !s.simulated {
			return skipped("a real appliance may lock the account")
		}
		_, answer, err := s.dns.DnsServerList(withLogin(s.login, "wrong", "wrong")).Execute()
		if err == nil || answer == nil {
			return fmt.Errorf("no refusal: %w", err)
		}
		return equal(answer.StatusCode, http.StatusUnauthorized, "status")
	})
}

func containsText(text, words string) error {
	if strings.Contains(strings.ToLower(text), strings.ToLower(words)) {
		return nil
	}
	return fmt.Errorf("%q is not in %q", words, text)
}
