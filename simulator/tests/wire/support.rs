//! A simulator with a client.

use reqwest::{Certificate, Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use solidserver_simulator::{Config, Simulator};

/// The SMART of the example seed, which has no views.
pub(crate) const SMART: &str = "ns.example.com";
/// The stand-alone server of the example seed, with the views `internal` and `external`.
pub(crate) const STAND_ALONE: &str = "views.example.com";

pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) client: Client,
    pub(crate) user: String,
    pub(crate) password: String,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The rows of a list; none for 204.
    pub(crate) fn rows(&self) -> Vec<Value> {
        if self.status == 204 {
            assert_eq!(self.text, "");
            return Vec::new();
        }
        assert_eq!(self.status, 200, "{}", self.text);
        self.json().as_array().unwrap().clone()
    }

    /// One column of all rows.
    pub(crate) fn column(&self, name: &str) -> Vec<String> {
        self.rows()
            .iter()
            .map(|row| row[name].as_str().unwrap_or_else(|| panic!("no {name} in {row}")).to_owned())
            .collect()
    }

    /// The only row.
    pub(crate) fn only(&self) -> Value {
        let rows = self.rows();
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows[0].clone()
    }

    /// The id that a write gave.
    pub(crate) fn id(&self) -> String {
        assert!(matches!(self.status, 200 | 201), "{} {}", self.status, self.text);
        self.json()[0]["ret_oid"].as_str().unwrap().to_owned()
    }

    /// The data of an envelope that tells of success; none for 204.
    pub(crate) fn data(&self) -> Vec<Value> {
        if self.status == 204 {
            assert_eq!(self.text, "");
            return Vec::new();
        }
        let json = self.json();
        assert_eq!((self.status, &json["success"]), (200, &Value::Bool(true)), "{}", self.text);
        assert!(json["messages"].is_array(), "{}", self.text);
        json["data"].as_array().unwrap().clone()
    }

    /// The only entry of an envelope's data.
    pub(crate) fn datum(&self) -> Value {
        let data = self.data();
        assert_eq!(data.len(), 1, "{data:?}");
        data[0].clone()
    }

    /// One column of an envelope's data.
    pub(crate) fn data_column(&self, name: &str) -> Vec<String> {
        self.data()
            .iter()
            .map(|row| row[name].as_str().unwrap_or_else(|| panic!("no text {name} in {row}")).to_owned())
            .collect()
    }

    /// The only message of an envelope that tells of a refusal.
    pub(crate) fn message(&self) -> Value {
        let json = self.json();
        assert_eq!((self.status, &json["success"]), (400, &Value::Bool(false)), "{}", self.text);
        assert_eq!(json["data"], Value::Array(Vec::new()));
        let messages = json["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0]["code"].is_i64() && messages[0]["extras"].is_object(), "{messages:?}");
        messages[0].clone()
    }

    /// The errmsg of a refusal in the shape of an object.
    pub(crate) fn refusal(&self) -> String {
        assert_eq!(self.status, 400, "{}", self.text);
        let json = self.json();
        assert_ne!(json["errno"].as_str().unwrap(), "0");
        json["errmsg"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn client(ca_pem: &str) -> Client {
    // A second install is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .tls_certs_only([Certificate::from_pem(ca_pem.as_bytes()).unwrap()])
        .no_proxy()
        .timeout(std::time::Duration::from_secs(20))
        .user_agent("wire-test/1")
        .build()
        .unwrap()
}

/// Signs a request as it is, with the id and the secret of a token, at so many seconds from now.
pub(crate) fn signed(request: RequestBuilder, (id, secret): (&str, &str), later: i64) -> RequestBuilder {
    use sha3::Digest as _;
    let built = request.try_clone().unwrap().build().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let time = now.checked_add_signed(later).unwrap();
    let text = format!("{secret}\n{time}\n{}\n{}", built.method(), built.url());
    let signature: String = sha3::Sha3_256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    request.header("Authorization", format!("SDS {id}:{signature}")).header("X-SDS-TS", time)
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let (user, password) = (config.user.clone(), config.password.clone());
        let simulator = Simulator::start(config).await.unwrap();
        let client = client(&simulator.ca_pem());
        Self { simulator, client, user, password }
    }

    /// With one quirk turned.
    pub(crate) async fn quirk(name: &str, answer: &str) -> Self {
        let mut config = Config::default();
        config.quirks.set(name, answer).unwrap();
        Self::with(config).await
    }

    pub(crate) fn request(&self, method: Method, service: &str) -> RequestBuilder {
        let url = format!("{}/rest/{service}", self.simulator.endpoint());
        self.client.request(method, url).basic_auth(&self.user, Some(&self.password))
    }

    /// A call of v2; `path` is what follows `/api/v2.0/`.
    pub(crate) fn v2(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v2.0/{path}", self.simulator.endpoint());
        self.client.request(method, url).basic_auth(&self.user, Some(&self.password))
    }

    pub(crate) async fn v2_get(&self, path: &str, parameters: &[(&str, &str)]) -> Reply {
        self.send(self.v2(Method::GET, path).query(parameters)).await.unwrap()
    }

    pub(crate) async fn v2_delete(&self, path: &str, parameters: &[(&str, &str)]) -> Reply {
        self.send(self.v2(Method::DELETE, path).query(parameters)).await.unwrap()
    }

    /// An add with `POST` or an edit with `PUT`, as JSON.
    pub(crate) async fn v2_write(&self, path: &str, body: &Value) -> Reply {
        let method = if path.ends_with("/edit") { Method::PUT } else { Method::POST };
        self.send(self.v2(method, path).json(body)).await.unwrap()
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> reqwest::Result<Reply> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status != StatusCode::NO_CONTENT && status.as_u16() < 400 {
            assert!(headers.contains_key("content-type"));
        }
        Ok(Reply { status: status.as_u16(), headers, text: response.text().await? })
    }

    pub(crate) async fn call(&self, method: Method, service: &str, parameters: &[(&str, &str)]) -> Reply {
        self.send(self.request(method, service).query(parameters)).await.unwrap()
    }

    pub(crate) async fn get(&self, service: &str, parameters: &[(&str, &str)]) -> Reply {
        self.call(Method::GET, service, parameters).await
    }

    pub(crate) async fn delete(&self, parameters: &[(&str, &str)]) -> Reply {
        self.call(Method::DELETE, "dns_rr_delete", parameters).await
    }

    /// Adds a row to the SMART with `add_flag=new_only` and what else is given.
    pub(crate) async fn add(
        &self,
        name: &str,
        record_type: &str,
        values: &[&str],
        more: &[(&str, &str)],
    ) -> Reply {
        let numbered: Vec<(String, &str)> =
            values.iter().enumerate().map(|(index, value)| (format!("value{}", index + 1), *value)).collect();
        let mut parameters =
            vec![("dns_name", SMART), ("rr_name", name), ("rr_type", record_type), ("add_flag", "new_only")];
        parameters.extend(numbered.iter().map(|(name, value)| (name.as_str(), *value)));
        parameters.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        parameters.extend(more);
        self.call(Method::POST, "dns_rr_add", &parameters).await
    }

    /// Edits a row by its id.
    pub(crate) async fn edit(&self, id: &str, more: &[(&str, &str)]) -> Reply {
        let mut parameters = vec![("rr_id", id), ("add_flag", "edit_only")];
        parameters.extend(more);
        self.call(Method::PUT, "dns_rr_add", &parameters).await
    }

    pub(crate) async fn list(&self, condition: &str) -> Reply {
        self.get("dns_rr_list", &[("WHERE", condition), ("ORDERBY", "rr_id")]).await
    }

    /// The rows of a name on the SMART itself.
    pub(crate) async fn at(&self, name: &str) -> Reply {
        self.list(&format!("dns_name='{SMART}' and rr_full_name='{name}'")).await
    }
}
