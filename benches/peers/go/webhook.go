package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/efficientip-labs/solidserver-go-client/sdsclient"
)

// webhook is the vendor's client, used as the vendor's webhook uses it.
type webhook struct {
	dns    *sdsclient.DnsAPIService
	ctx    context.Context
	server string
	view   string
}

// rrset is what the webhook tells external-dns of a name and type; more than one target only for A.
type rrset struct {
	targets []string
	ttl     int32
}

func newWebhook(endpoint *url.URL, user, password, server string, transport http.RoundTripper) *webhook {
	configuration := sdsclient.NewConfiguration()
	// Its server variables allow port 443 and no other.
	configuration.Host = endpoint.Host
	configuration.HTTPClient = &http.Client{Transport: transport}
	ctx := context.WithValue(context.Background(), sdsclient.ContextBasicAuth,
		sdsclient.BasicAuth{UserName: user, Password: password})
	ctx = context.WithValue(ctx, sdsclient.ContextServerVariables,
		map[string]string{"host": endpoint.Hostname(), "port": "443"})
	return &webhook{dns: sdsclient.NewAPIClient(configuration).DnsAPI, ctx: ctx, server: server}
}

// round is one round of external-dns: what there is, what differs, all deletes, all adds. The webhook drops the errors
// of its writes; here they are counted.
func (w *webhook) round(wanted []record, r *result) {
	there, err := w.records()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		r.Failed += len(wanted)
		return
	}
	var changed []record
	for _, one := range wanted {
		found, known := there[one.Name+":"+one.Type]
		if known && found.ttl == one.NewTTL && contains(found.targets, one.Value) {
			r.Skipped++
			continue
		}
		if known {
			w.complain("delete", one, w.remove(one))
		}
		changed = append(changed, one)
	}
	for _, one := range changed {
		if err := w.add(one); err != nil {
			w.complain("add", one, err)
			r.Failed++
			continue
		}
		r.Updated++
	}
}

func (w *webhook) complain(what string, one record, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s %s %s: %v\n", what, one.Name, one.Type, err)
	}
}

// records lists the zones of the server and all rows of each, unpaged.
func (w *webhook) records() (map[string]*rrset, error) {
	where := fmt.Sprintf("server_name='%s'", w.server)
	zones, _, err := w.dns.DnsZoneList(w.ctx).Where(where).Execute()
	if err != nil {
		return nil, fmt.Errorf("zones of %s: %w", w.server, err)
	}
	found := map[string]*rrset{}
	for _, zone := range zones.GetData() {
		rows, _, err := w.dns.DnsRrList(w.ctx).Where("zone_id=" + zone.GetZoneId()).Orderby("rr_full_name").Execute()
		if err != nil {
			return nil, fmt.Errorf("rows of %s: %w", zone.GetZoneName(), err)
		}
		for _, row := range rows.GetData() {
			ttl, _ := strconv.ParseInt(row.GetRrTtl(), 10, 32)
			key := row.GetRrFullName() + ":" + row.GetRrType()
			switch row.GetRrType() {
			case "A":
				if known, several := found[key]; several {
					known.targets = append(known.targets, row.GetRrAllValue())
					continue
				}
				fallthrough
			case "TXT", "CNAME":
				found[key] = &rrset{targets: []string{row.GetRrAllValue()}, ttl: int32(ttl)}
			}
		}
	}
	return found, nil
}

func (w *webhook) remove(one record) error {
	_, _, err := w.dns.DnsRrDelete(w.ctx).RrName(one.Name).RrType(one.Type).RrValue1(one.Value).Execute()
	return err
}

func (w *webhook) add(one record) error {
	_, _, err := w.dns.DnsRrAdd(w.ctx).DnsRrAddInput(sdsclient.DnsRrAddInput{ServerName: &w.server, ViewName: &w.view,
		RrName: &one.Name, RrType: &one.Type, RrTtl: &one.NewTTL, RrValue1: &one.Value}).Execute()
	return err
}

func contains(targets []string, target string) bool {
	for _, each := range targets {
		if each == target {
			return true
		}
	}
	return false
}
