//! Runs the real filter, as the proxy loads it, in an interpreter that counts its WebAssembly instructions.
//!
//! The counts do not depend on the machine or its load, so tests can check them. They only include the filter's own
//! instructions, not Envoy's work in host calls, which [`Spent::host_calls`] counts.

mod count;
mod host;
pub mod ordinary;

use std::path::Path;

use context_mesh_e2e::error::{Error, Result};
use wasmi::{Engine, Instance, Linker, Module, Store};

use host::Host;
pub use host::{Recorded, Sent};

/// The cost of a call into the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// WebAssembly instructions.
    pub instructions: u64,
    /// Calls of the host.
    pub host_calls: u64,
}

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The status of the answer instead of the service's.
    pub refused: Option<u16>,
    /// The request's headers afterwards.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The filter's report.
    pub report: String,
    /// Its cost.
    pub spent: Spent,
}

impl Outcome {
    /// Returns the value of a header afterwards.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }
}

/// A worker's virtual machine with one plugin for each direction.
pub struct Filter {
    store: Store<Host>,
    instance: Instance,
    next_context: i32,
    configured: Spent,
}

/// The root contexts of the plugins.
const PLUGINS: [i32; 2] = [1, 2];

/// Callbacks that a filter may leave out.
const OPTIONAL: [&str; 3] = ["proxy_on_vm_start", "proxy_on_done", "proxy_on_log"];

impl Filter {
    /// Loads the .wasm and configures its two plugins: for inbound and for outbound requests.
    ///
    /// # Errors
    /// The file cannot be read, is not a filter, or rejects a configuration.
    pub fn load(wasm: &Path, configurations: [&str; 2]) -> Result<Self> {
        let code = std::fs::read(wasm).map_err(|problem| Error::new(format!("`{}`: {problem}", wasm.display())))?;
        let engine = Engine::default();
        let code = count::with_counter(&code).map_err(wrap)?;
        let module = Module::new(&engine, &code).map_err(wrap)?;
        let mut store = Store::new(&engine, Host::default());
        let mut linker = Linker::new(&engine);
        host::link(&mut linker, &module)?;
        let instance = linker.instantiate_and_start(&mut store, &module).map_err(wrap)?;
        let spent = Spent { instructions: 0, host_calls: 0 };
        let mut filter = Self { store, instance, next_context: 10, configured: spent };
        filter.call("_initialize", &[])?;
        for (plugin, configuration) in PLUGINS.into_iter().zip(configurations) {
            filter.store.data_mut().configuration = configuration.as_bytes().to_vec();
            filter.call("proxy_on_context_create", &[plugin, 0])?;
            filter.call("proxy_on_vm_start", &[plugin, 0])?;
            let size = i32::try_from(configuration.len()).map_err(wrap)?;
            let before = filter.spent()?;
            if filter.call("proxy_on_configure", &[plugin, size])? == 0 {
                return Err(Error::new(format!("the configuration was refused: {}", filter.store.data().log)));
            }
            filter.configured = filter.since(before)?;
        }
        Ok(filter)
    }

    /// Returns the cost of configuring the last plugin.
    pub fn configured(&self) -> Spent {
        self.configured
    }

    /// Removes the host's source of secrets. Then no request gets a ticket, and none is remembered.
    pub fn without_secrets(&mut self) {
        self.store.data_mut().no_secrets = true;
    }

    /// Processes a request that arrives from the peer with this SPIFFE ID. It ends immediately.
    ///
    /// # Errors
    /// The filter trapped.
    pub fn inbound(&mut self, peer: &str, headers: &Sent) -> Result<Outcome> {
        self.store.data_mut().peer = peer.as_bytes().to_vec();
        self.request(PLUGINS[0], headers)
    }

    /// Processes a call of the application.
    ///
    /// # Errors
    /// The filter trapped.
    pub fn outbound(&mut self, headers: &Sent) -> Result<Outcome> {
        self.store.data_mut().peer.clear();
        self.request(PLUGINS[1], headers)
    }

    fn request(&mut self, plugin: i32, headers: &Sent) -> Result<Outcome> {
        let before = self.spent()?;
        let context = self.next_context;
        self.next_context += 1;
        let count = i32::try_from(headers.len()).map_err(wrap)?;
        let host = self.store.data_mut();
        (host.headers, host.refused, host.report) = (headers.clone(), None, Vec::new());
        self.call("proxy_on_context_create", &[context, plugin])?;
        self.call("proxy_on_request_headers", &[context, count, 1])?;
        self.call("proxy_on_done", &[context])?;
        self.call("proxy_on_log", &[context])?;
        self.call("proxy_on_delete", &[context])?;
        let spent = self.since(before)?;
        let host = self.store.data();
        let named = |(name, value): &(Vec<u8>, Vec<u8>)| (String::from_utf8_lossy(name).into_owned(), value.clone());
        Ok(Outcome {
            refused: host.refused,
            headers: host.headers.iter().map(named).collect(),
            report: String::from_utf8_lossy(&host.report).into_owned(),
            spent,
        })
    }

    /// Returns the size of the virtual machine's memory, which never shrinks.
    pub fn memory_bytes(&self) -> usize {
        self.instance.get_memory(&self.store, "memory").map_or(0, |memory| memory.data_size(&self.store))
    }

    /// Records the calls of the host from now on.
    pub fn record(&mut self) {
        self.store.data_mut().recorded = Some(Vec::new());
    }

    /// Ends the recording, and returns the calls.
    pub fn recorded(&mut self) -> Vec<Recorded> {
        self.store.data_mut().recorded.take().unwrap_or_default()
    }

    /// Returns the exports of the filter that the proxy calls: names, numbers of parameters, and whether there is a
    /// result.
    pub fn exports(&self) -> Vec<(String, usize, bool)> {
        let exports = self.instance.exports(&self.store);
        let functions = exports.filter_map(|export| {
            let (name, kind) = (export.name().to_owned(), export.into_func()?.ty(&self.store));
            Some((name, kind.params().len(), !kind.results().is_empty()))
        });
        functions.filter(|(name, ..)| name.starts_with("proxy_")).collect()
    }

    fn call(&mut self, name: &str, arguments: &[i32]) -> Result<i32> {
        name.clone_into(&mut self.store.data_mut().running);
        let Some(function) = self.instance.get_func(&self.store, name) else {
            // A proxy does not call the callbacks that a module leaves out, and goes on.
            return if OPTIONAL.contains(&name) { Ok(1) } else { Err(Error::new(format!("no `{name}`"))) };
        };
        let arguments: Vec<wasmi::Val> = arguments.iter().map(|number| wasmi::Val::I32(*number)).collect();
        let mut results = vec![wasmi::Val::I32(0); function.ty(&self.store).results().len()];
        function
            .call(&mut self.store, &arguments, &mut results)
            .map_err(|problem| Error::new(format!("`{name}` trapped: {problem}; {}", self.store.data().log)))?;
        Ok(results.first().and_then(wasmi::Val::i32).unwrap_or(0))
    }

    fn spent(&self) -> Result<Spent> {
        let counter =
            self.instance.get_global(&self.store, count::EXPORT).and_then(|global| global.get(&self.store).i64());
        let instructions = counter.ok_or_else(|| Error::new("the module does not count"))?.cast_unsigned();
        Ok(Spent { instructions, host_calls: self.store.data().calls })
    }

    fn since(&self, before: Spent) -> Result<Spent> {
        let now = self.spent()?;
        let (instructions, host_calls) = (now.instructions - before.instructions, now.host_calls - before.host_calls);
        Ok(Spent { instructions, host_calls })
    }
}

pub(crate) fn wrap(problem: impl std::fmt::Display) -> Error {
    Error::new(problem.to_string())
}
