//! From what was seen to what it means and what to do (pure).

mod fit;

use super::finding::{Check, Finding, Findings, Status};
use super::observation::{Observations, Route, Seen, Trouble, Unusable};
use super::remedy::{remedy, words};
use crate::api::SolidServerSpec;
use crate::plan::Marks;
use crate::solidserver::{Error, Server};

/// Below this many seconds clocks count as equal: the time on the way is in them.
const EQUAL_CLOCKS: u64 = 5;
/// From this many seconds on somebody should know. The appliance's own bound for signed calls is not documented.
const APART: u64 = 60;

/// What each check comes to, in their order. Where one failed that others build upon, those are skipped.
pub(super) fn diagnose(spec: &SolidServerSpec, seen: &Observations) -> Vec<Finding> {
    let mut findings = Findings::default();
    let walked = Diagnosis { spec, seen, out: &mut findings }.walk();
    if let Err(failed) = walked {
        for check in Check::ALL {
            if !findings.0.iter().any(|finding| finding.check == check) {
                findings.skip(check, format!("{failed} failed"));
            }
        }
    }
    findings.0
}

struct Diagnosis<'a> {
    spec: &'a SolidServerSpec,
    seen: &'a Observations,
    out: &'a mut Findings,
}

/// The check that the following build upon, and that failed.
type Failed = Check;

impl<'a> Diagnosis<'a> {
    fn walk(&mut self) -> Result<(), Failed> {
        let route = self.settings()?;
        self.name(route)?;
        self.connection(route)?;
        self.first_answer(route)?;
        self.version();
        let servers = self.servers(route)?;
        self.fit(servers, route)
    }

    fn settings(&mut self) -> Result<&'a Route, Failed> {
        let check = Check::Settings;
        match &self.seen.route {
            Ok(route) => {
                let api = self.spec.dialect().as_str();
                let login = if route.signed { "calls are signed with a token" } else { "login by password" };
                self.out.ok(check, None, format!("api {api}, {login}"));
                Ok(route)
            }
            Err(Unusable::Manifest(words)) => Err(self.out.fail(
                check,
                None,
                format!("the API server would refuse the manifest: {words}"),
                "correct the manifest",
            )),
            Err(Unusable::Spec(words)) => {
                Err(self.out.fail(check, None, words, "correct the spec of the SolidServer, or its Secret"))
            }
            Err(Unusable::Secret(words)) => Err(self.out.fail(
                check,
                None,
                words,
                "correct the Secret, or give a login of your own in SOLIDSERVER_USERNAME and SOLIDSERVER_PASSWORD, or \
                 SOLIDSERVER_TOKEN_ID and SOLIDSERVER_TOKEN_SECRET",
            )),
        }
    }

    fn name(&mut self, route: &Route) -> Result<(), Failed> {
        let host = &route.host;
        let whose = if route.proxy.is_some() { "the proxy " } else { "" };
        match &self.seen.addresses {
            Some(Ok(addresses)) if !addresses.is_empty() => {
                let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                let message = match &texts[..] {
                    [only] if only == host => format!("{whose}{host} is an address"),
                    texts => format!("{whose}{host} is {}", texts.join(", ")),
                };
                self.out.ok(Check::Name, None, message);
                Ok(())
            }
            other => {
                let cause = match other {
                    Some(Err(cause)) => cause.as_str(),
                    _ => "it has no address",
                };
                let advice = match &route.proxy {
                    Some(_) => {
                        "correct HTTPS_PROXY, or the name resolution of the machine or pod that this runs on"
                    }
                    None => {
                        "correct the host in spec.endpoint, or the name resolution of the machine or pod that this runs on"
                    }
                };
                Err(self.out.fail(
                    Check::Name,
                    None,
                    format!("the name {whose}{host} cannot be resolved: {cause}"),
                    advice,
                ))
            }
        }
    }

    fn connection(&mut self, route: &Route) -> Result<(), Failed> {
        let check = Check::Connection;
        let tried = self.seen.connections.as_deref().unwrap_or_default();
        let refused: Vec<String> = tried
            .iter()
            .filter_map(|(address, cause)| Some(format!("{address}: {}", cause.as_ref()?)))
            .collect();
        let through = match &route.proxy {
            Some(proxy) => format!(", the proxy {proxy} of the environment"),
            None => String::new(),
        };
        if refused.len() == tried.len() {
            let advice = match &route.proxy {
                Some(_) => "correct HTTPS_PROXY and NO_PROXY, or have the proxy and the way to it repaired"
                    .to_owned(),
                None => format!(
                    "check that the appliance serves HTTPS at port {}, and routes, firewalls and network policies on the way to it",
                    route.port
                ),
            };
            let message = format!("no connection to port {}{through}: {}", route.port, refused.join("; "));
            return Err(self.out.fail(check, None, message, advice));
        }
        if let Some(Err(trouble @ Trouble::Error(Error::Proxy { .. }))) = &self.seen.version {
            return Err(self.out.fail(check, None, words(trouble), remedy(trouble, route.signed)));
        }
        let accepting =
            tried.iter().filter(|(_, cause)| cause.is_none()).map(|(address, _)| address.to_string());
        let message = format!("{} accepts connections{through}", accepting.collect::<Vec<_>>().join(" and "));
        if refused.is_empty() {
            self.out.ok(check, None, message);
        } else {
            self.out.warn(
                check,
                None,
                format!("{message}, and not all do: {}", refused.join("; ")),
                "have the addresses that do not accept connections repaired, or taken out of DNS",
            );
        }
        Ok(())
    }

    /// What the first call shows, or the second where the first shows nothing: TLS, whether a SOLIDserver answers, clocks and login.
    fn first_answer(&mut self, route: &Route) -> Result<(), Failed> {
        let signed = route.signed;
        let trouble = match (&self.seen.version, &self.seen.servers) {
            (Some(Ok(Some(_))), _) => None,
            (Some(Ok(None)), Some(Err(trouble))) if !is_about_rights(trouble) => Some(trouble),
            (Some(Ok(None)), _) => None,
            (Some(Err(trouble)), _) => Some(trouble),
            (None, _) => return Err(self.out.fail(Check::Answer, None, "it was not called", "run it again")),
        };
        let fail = |out: &mut Findings, check, trouble: &Trouble| {
            Err(out.fail(check, None, words(trouble), remedy(trouble, signed)))
        };
        match trouble {
            Some(trouble @ Trouble::Error(Error::Tls { .. })) => return fail(self.out, Check::Tls, trouble),
            Some(trouble @ (Trouble::Late(_) | Trouble::Error(Error::Unreachable { .. }))) => {
                self.out.skip(Check::Tls, "not known, for no answer came");
                return fail(self.out, Check::Answer, trouble);
            }
            _ => {}
        }
        if self.spec.tls.as_ref().is_some_and(|tls| tls.insecure_skip_verify) {
            self.out.warn(
                Check::Tls,
                None,
                "the appliance's certificate is not checked (spec.tls.insecureSkipVerify): anybody on the path can read the \
                 credentials",
                "put the issuing CA into spec.tls.caBundle, or into the Secret of spec.tls.caBundleSecretRef, and take \
                 insecureSkipVerify out",
            );
        } else {
            self.out.ok(Check::Tls, None, "the certificate is trusted and is for this name");
        }
        match trouble {
            None => {}
            Some(Trouble::Error(Error::Unauthorized | Error::ClockSkew)) => {}
            Some(trouble) => return fail(self.out, Check::Answer, trouble),
        }
        self.out.ok(Check::Answer, None, "a SOLIDserver answers");
        match trouble {
            Some(trouble @ Trouble::Error(Error::ClockSkew)) => {
                let ahead = self.seen.clock_ahead.map(|ahead| format!("; {}", clocks(ahead)));
                let message = words(trouble) + &ahead.unwrap_or_default();
                return Err(self.out.fail(Check::Clock, None, message, remedy(trouble, signed)));
            }
            _ => self.clock(signed && trouble.is_none()),
        }
        match trouble {
            Some(trouble) => fail(self.out, Check::Login, trouble),
            None => {
                let what = if signed { "a signed call is taken" } else { "the password is taken" };
                self.out.ok(Check::Login, None, what);
                Ok(())
            }
        }
    }

    fn clock(&mut self, signature_taken: bool) {
        match self.seen.clock_ahead {
            Some(ahead) if ahead.unsigned_abs() >= APART => self.out.warn(
                Check::Clock,
                None,
                format!("{}; calls signed with a token are refused when they differ too much", clocks(ahead)),
                "correct the clock of the appliance or of the machine that this runs on (NTP)",
            ),
            Some(ahead) => self.out.ok(Check::Clock, None, clocks(ahead)),
            None if signature_taken => self.out.ok(Check::Clock, None, "near enough for signed calls"),
            None => self.out.skip(Check::Clock, "not known: the answer carries no Date"),
        }
    }

    fn version(&mut self) {
        let version = match &self.seen.version {
            Some(Ok(version)) => version.as_deref(),
            _ => None,
        };
        match version {
            Some(version) => self.out.ok(Check::Version, None, format!("SOLIDserver {version}")),
            None => self.out.warn(
                Check::Version,
                None,
                "the appliance does not tell this account its version; the operator takes it for 8.0 or later",
                "give the account rights on the service member_list",
            ),
        }
        match (version, Marks::of_version(version)) {
            (Some(version), Marks::NotKept) => self.out.warn(
                Check::ClassParameters,
                None,
                format!(
                    "version {version} keeps no class parameters on records: they carry no marks, and ownership rests on the \
                     status of DnsRecords"
                ),
                "upgrade the appliance to 8.0 or later, or read docs/appliances.md about what is weaker until then",
            ),
            (Some(version), Marks::Kept) => self.out.ok(
                Check::ClassParameters,
                None,
                format!("version {version} keeps them on records, for the operator's marks"),
            ),
            (None, _) => self.out.skip(Check::ClassParameters, "not known without the version"),
        }
    }

    fn servers(&mut self, route: &Route) -> Result<&'a [Server], Failed> {
        let check = Check::ReadServers;
        match &self.seen.servers {
            Some(Ok(servers)) if servers.is_empty() => Err(self.out.fail(
                check,
                None,
                "the appliance shows this account no DNS server at all",
                "give the account read rights on DNS servers, views, zones and records",
            )),
            Some(Ok(servers)) => {
                let members = servers.iter().filter(|server| server.is_member).count();
                let of = if members == 0 {
                    String::new()
                } else {
                    format!(", {members} of them members of SMARTs")
                };
                self.out.ok(check, None, format!("{} DNS servers{of}", servers.len()));
                Ok(servers)
            }
            other => Err(self.unread(check, other, route.signed)),
        }
    }

    /// A list that did not come.
    fn unread<T>(&mut self, check: Check, seen: &Seen<T>, signed: bool) -> Failed {
        match seen {
            Some(Err(trouble)) => self.out.fail(check, None, words(trouble), remedy(trouble, signed)),
            _ => self.out.fail(check, None, "it was not asked for", "run it again"),
        }
    }
}

/// Whether somebody answered who does not let this account do this.
const fn is_about_rights(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Error(Error::Forbidden { .. } | Error::Rejected { .. }))
}

/// How far clocks are apart.
fn clocks(ahead: i64) -> String {
    let seconds = ahead.unsigned_abs();
    match ahead {
        _ if seconds < EQUAL_CLOCKS => "the appliance's clock and that of this machine agree".to_owned(),
        ..0 => format!("the appliance's clock is {seconds} s behind that of this machine"),
        _ => format!("the appliance's clock is {seconds} s ahead of that of this machine"),
    }
}

/// Whether a check came out well, or was not failed at least.
fn holds(findings: &Findings, check: Check) -> bool {
    !findings.has(check, Status::Failed)
}

#[cfg(test)]
mod tests;
