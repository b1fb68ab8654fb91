//! How a world's operator speaks to its appliance: one dialect and one login. The parameter of the behaviour tests.

use solidserver_simulator::{Config, Dialect, Simulator, Token};

use super::world::World;
use crate::control_plane::Options;

/// The name of the account that the appliance knows.
const ACCOUNT: &str = "operator";

/// The id of the token that it knows.
pub(crate) const TOKEN_ID: &str = "id1";

/// The password, or the token's secret, at the start.
pub(crate) const SECRET: &str = "secret";

/// The six ways, `<dialect><login>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    RestBasic,
    RestNative,
    RestToken,
    V2Basic,
    V2Native,
    V2Token,
}

impl Wire {
    /// `spec.api` of a SolidServer.
    pub(crate) fn api(self) -> &'static str {
        match self {
            Self::RestBasic | Self::RestNative | Self::RestToken => "Rest",
            Self::V2Basic | Self::V2Native | Self::V2Token => "V2",
        }
    }

    /// `spec.authMethod` of a SolidServer.
    fn auth_method(self) -> &'static str {
        match self {
            Self::RestBasic | Self::V2Basic => "Basic",
            Self::RestNative | Self::V2Native => "Native",
            Self::RestToken | Self::V2Token => "Token",
        }
    }

    /// The dialect as the simulator calls it.
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::RestBasic | Self::RestNative | Self::RestToken => Dialect::Rest,
            Self::V2Basic | Self::V2Native | Self::V2Token => Dialect::V2,
        }
    }

    /// The login as the simulator calls it.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::RestBasic | Self::V2Basic => "basic",
            Self::RestNative | Self::V2Native => "native",
            Self::RestToken | Self::V2Token => "token",
        }
    }

    /// Versions of the appliance that it can be used with: one of today, and one of those before 8.0, which had neither V2 nor
    /// tokens.
    pub(crate) fn versions(self) -> &'static [&'static str] {
        match self {
            Self::RestBasic | Self::RestNative => &["8.4.0", "7.3.1"],
            Self::RestToken | Self::V2Basic | Self::V2Native | Self::V2Token => &["8.4.0"],
        }
    }

    /// The fields of a SolidServer's spec that say so, indented by two after the first line.
    pub(crate) fn fields(self) -> String {
        format!("api: {}\n  authMethod: {}", self.api(), self.auth_method())
    }

    /// The keys of the Secret, as a flow mapping.
    pub(super) fn keys(self, secret: &str) -> String {
        match self.auth_method() {
            "Token" => format!("{{tokenId: {TOKEN_ID}, tokenSecret: {secret}}}"),
            _ => format!("{{username: {ACCOUNT}, password: {secret}}}"),
        }
    }

    /// The settings of an appliance that lets this login in.
    pub(crate) fn configured(self, mut config: Config) -> Config {
        if self.auth_method() == "Token" && config.token.is_none() {
            config.token = Some(Token::new(TOKEN_ID, SECRET));
        }
        config
    }

    /// From now on the appliance lets in this password, or this token's secret, and no other.
    pub(crate) fn change_secret(self, simulator: &Simulator, secret: &str) {
        match self.auth_method() {
            "Token" => simulator.set_token(Some(Token::new(TOKEN_ID, secret))),
            _ => simulator.set_credentials(ACCOUNT, secret),
        }
    }

    /// [`World::new`] over this wire.
    pub(crate) async fn world(self) -> World {
        self.world_with(Config::default(), Options::default()).await
    }

    /// [`World::with`] over this wire.
    pub(crate) async fn world_with(self, config: Config, options: Options) -> World {
        World::over(self, config, options).await
    }

    /// [`World::running`] over this wire.
    pub(crate) async fn running(self, resync: &str) -> World {
        self.world().await.run(resync).await
    }
}
