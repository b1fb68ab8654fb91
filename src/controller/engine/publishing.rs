//! Which records are followed on their way to the name servers: those that are in sync and not known to be published, of SolidServers
//! that ask for it.

use std::sync::Arc;

use super::Engine;
use crate::api::DnsRecord;
use crate::controller::zones::ZoneKey;
use crate::plan::ObjectName;
use crate::publication::{Follower, Means, Target};

impl Engine {
    /// The appliance can be worked with, as its spec now says: its records are followed from now on, or nobody asks any more.
    pub(super) fn prepare_publication(&mut self, name: &Arc<str>) {
        let Some(appliance) = self.appliances.get_mut(name) else { return };
        let (Some(ready), Some(lead)) = (&appliance.ready, &mut appliance.lead) else { return };
        match (Means::of(&ready.spec, &ready.client), &lead.follower) {
            (None, _) => lead.follower = None,
            (Some(means), Some(follower)) => follower.use_means(means),
            (Some(means), None) => {
                let tools = Arc::clone(&lead.tools);
                lead.follower = Some(Follower::start(Arc::clone(name), tools, means));
            }
        }
    }

    /// A record is in sync.
    pub(super) fn follow_publication(&self, zone: &ZoneKey, record: &Arc<DnsRecord>) {
        let Some(follower) = self.follower(&zone.solid_server) else { return };
        if let Some(target) = Target::of(record) {
            follower.follow(target, self.zones.get(zone).and_then(|state| state.rows));
        }
    }

    /// A record is gone, or has no place any more.
    pub(super) fn forget_publication(&self, solid_server: &Arc<str>, object: &ObjectName) {
        if let Some(follower) = self.follower(solid_server) {
            follower.forget(object);
        }
    }

    fn follower(&self, solid_server: &Arc<str>) -> Option<&Follower> {
        self.appliances.get(solid_server)?.lead.as_ref()?.follower.as_ref()
    }
}
