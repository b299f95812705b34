//! A proxy for the filter: the host calls of proxy-wasm that the filter makes, with plain data.

use std::collections::HashMap;

use context_mesh_e2e::error::{Error, Result};
use wasmi::{Caller, ExternType, Linker, Memory, Module, Val};

use super::wrap;
use crate::demo::NOW_MS;

/// The headers of a request, by lower-case names.
pub type Sent = Vec<(Vec<u8>, Vec<u8>)>;

/// The statuses of proxy-wasm.
const OK: i32 = 0;
const NOT_FOUND: i32 = 1;
const BAD_ARGUMENT: i32 = 2;
const CAS_MISMATCH: i32 = 8;

/// The time of all requests, in nanoseconds since 1970.
const NOW_NS: u64 = NOW_MS * 1_000_000;

/// The state of the proxy.
#[derive(Default)]
pub(super) struct Host {
    pub(super) configuration: Vec<u8>,
    pub(super) headers: Sent,
    pub(super) peer: Vec<u8>,
    pub(super) refused: Option<u16>,
    pub(super) report: Vec<u8>,
    pub(super) log: String,
    pub(super) no_secrets: bool,
    pub(super) calls: u64,
    /// The calls since the recording began, if there is one.
    pub(super) recorded: Option<Vec<Recorded>>,
    /// The export of the filter that runs.
    pub(super) running: String,
    shared: HashMap<Vec<u8>, (Vec<u8>, u32)>,
    secrets: u64,
}

/// A call of the host, with what it passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The export of the filter that made it.
    pub during: String,
    /// The function.
    pub name: String,
    /// The arguments as numbers.
    pub arguments: Vec<i64>,
    /// The bytes at each argument that may be a pointer, because a size follows; empty for others.
    pub bytes: Vec<Vec<u8>>,
    /// The value of the shared data that a read found.
    pub found: Option<Vec<u8>>,
}

/// Defines every import of the module. Imports that the filter does not use always fail.
pub(super) fn link(linker: &mut Linker<Host>, module: &Module) -> Result<()> {
    for import in module.imports() {
        let ExternType::Func(kind) = import.ty() else {
            return Err(Error::new(format!("the import `{}` is no function", import.name())));
        };
        let name = import.name().to_owned();
        linker
            .func_new(import.module(), import.name(), kind.clone(), move |caller, arguments, results| {
                let mut call = Call { caller, arguments };
                call.caller.data_mut().calls += 1;
                call.record(&name);
                let status = call.answer(&name).unwrap_or(BAD_ARGUMENT);
                if let Some(result) = results.first_mut() {
                    *result = Val::I32(status);
                }
                Ok(())
            })
            .map_err(wrap)?;
    }
    Ok(())
}

/// One call of the filter.
struct Call<'c, 'a> {
    caller: Caller<'c, Host>,
    arguments: &'a [Val],
}

impl Call<'_, '_> {
    fn record(&mut self, name: &str) {
        let host = self.caller.data();
        if host.recorded.is_none() {
            return;
        }
        let during = host.running.clone();
        let whole = |value: &Val| value.i64().or_else(|| value.i32().map(i64::from)).unwrap_or_default();
        let arguments: Vec<i64> = self.arguments.iter().map(whole).collect();
        let bytes: Vec<Vec<u8>> =
            (0..arguments.len()).map(|argument| self.bytes(argument).unwrap_or_default()).collect();
        let found = bytes.first().and_then(|key| host.shared.get(key)).map(|(value, _)| value.clone());
        let found = found.filter(|_| name == "proxy_get_shared_data");
        let call = Recorded { during, name: name.to_owned(), arguments, bytes, found };
        if let Some(recorded) = &mut self.caller.data_mut().recorded {
            recorded.push(call);
        }
    }

    /// Returns the status of a call, or `None` for arguments that are out of bounds.
    fn answer(&mut self, name: &str) -> Option<i32> {
        match name {
            "proxy_log" => {
                let text = self.bytes(1)?;
                self.caller.data_mut().log = String::from_utf8_lossy(&text).into_owned();
                Some(OK)
            }
            "proxy_get_current_time_nanoseconds" => self.write(self.number(0)?, &NOW_NS.to_le_bytes()),
            "proxy_get_buffer_bytes" => {
                let bytes = self.caller.data().configuration.clone();
                self.give(&bytes, 3)
            }
            "proxy_get_header_map_pairs" => {
                let map = layout(&self.caller.data().headers);
                self.give(&map, 1)
            }
            "proxy_replace_header_map_value" => {
                let (name, value) = (self.bytes(1)?, self.bytes(3)?);
                let headers = &mut self.caller.data_mut().headers;
                headers.retain(|(known, _)| *known != name);
                headers.push((name, value));
                Some(OK)
            }
            "proxy_remove_header_map_value" => {
                let name = self.bytes(1)?;
                self.caller.data_mut().headers.retain(|(known, _)| *known != name);
                Some(OK)
            }
            "proxy_get_property" => {
                let path = self.bytes(0)?;
                let value = match path.as_slice() {
                    b"connection\0uri_san_peer_certificate" => self.caller.data().peer.clone(),
                    _ => Vec::new(),
                };
                if value.is_empty() { Some(NOT_FOUND) } else { self.give(&value, 2) }
            }
            "proxy_set_property" => {
                let value = self.bytes(2)?;
                self.caller.data_mut().report = value;
                Some(OK)
            }
            "proxy_get_shared_data" => {
                let key = self.bytes(0)?;
                let Some((value, version)) = self.caller.data().shared.get(&key).cloned() else {
                    return Some(NOT_FOUND);
                };
                self.write(self.number(4)?, &version.to_le_bytes())?;
                self.give(&value, 2)
            }
            "proxy_set_shared_data" => {
                let (key, value, version) = (self.bytes(0)?, self.bytes(2)?, self.number(4)?);
                let shared = &mut self.caller.data_mut().shared;
                let known = shared.get(&key).map(|(_, version)| *version);
                if version != 0 && known.is_some_and(|known| known != version) {
                    return Some(CAS_MISMATCH);
                }
                shared.insert(key, (value, known.unwrap_or(0) + 1));
                Some(OK)
            }
            "proxy_send_local_response" => {
                self.caller.data_mut().refused = u16::try_from(self.number(0)?).ok();
                Some(OK)
            }
            "proxy_define_metric" => self.write(self.number(3)?, &1_u32.to_le_bytes()),
            "proxy_increment_metric"
            | "proxy_record_metric"
            | "proxy_set_tick_period_milliseconds"
            | "proxy_set_effective_context" => Some(OK),
            "random_get" => self.random(),
            // An environment without variables.
            "environ_sizes_get" => {
                self.write(self.number(0)?, &0_u32.to_le_bytes())?;
                self.write(self.number(1)?, &0_u32.to_le_bytes())
            }
            "environ_get" => Some(OK),
            _ => Some(BAD_ARGUMENT),
        }
    }

    /// Returns bytes that differ for each call, and are the same in each run.
    fn random(&mut self) -> Option<i32> {
        let (pointer, size) = (self.number(0)?, self.number(1)?);
        let host = self.caller.data_mut();
        if host.no_secrets {
            return Some(BAD_ARGUMENT);
        }
        host.secrets += 1;
        let seed = host.secrets.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        let bytes: Vec<u8> = seed.iter().copied().cycle().take(usize::try_from(size).ok()?).collect();
        self.write(pointer, &bytes)
    }

    fn number(&self, argument: usize) -> Option<u32> {
        self.arguments.get(argument)?.i32().map(i32::cast_unsigned)
    }

    fn memory(&self) -> Option<Memory> {
        self.caller.get_export("memory")?.into_memory()
    }

    /// Returns the bytes for two arguments: pointer and size.
    fn bytes(&self, argument: usize) -> Option<Vec<u8>> {
        let (pointer, size) = (self.number(argument)?, self.number(argument + 1)?);
        let memory = self.memory()?;
        let size = usize::try_from(size).ok().filter(|size| *size <= memory.data_size(&self.caller))?;
        let mut bytes = vec![0; size];
        memory.read(&self.caller, usize::try_from(pointer).ok()?, &mut bytes).ok()?;
        Some(bytes)
    }

    fn write(&mut self, pointer: u32, bytes: &[u8]) -> Option<i32> {
        self.memory()?.write(&mut self.caller, usize::try_from(pointer).ok()?, bytes).ok()?;
        Some(OK)
    }

    /// Returns bytes in memory that the filter allocates. Their pointer and size are written to the addresses in two
    /// arguments.
    fn give(&mut self, bytes: &[u8], argument: usize) -> Option<i32> {
        let size = u32::try_from(bytes.len()).ok()?;
        let allocate = self.caller.get_export("proxy_on_memory_allocate")?.into_func()?;
        let mut result = [Val::I32(0)];
        allocate.call(&mut self.caller, &[Val::I32(size.cast_signed())], &mut result).ok()?;
        let pointer = result.first()?.i32()?.cast_unsigned();
        self.write(pointer, bytes)?;
        self.write(self.number(argument)?, &pointer.to_le_bytes())?;
        self.write(self.number(argument + 1)?, &size.to_le_bytes())
    }
}

/// Returns the layout of header maps: a count, all sizes, then all names and values with a zero byte after each.
fn layout(headers: &Sent) -> Vec<u8> {
    let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = size(headers.len()).to_vec();
    for (name, value) in headers {
        out.extend(size(name.len()));
        out.extend(size(value.len()));
    }
    for (name, value) in headers {
        out.extend([name.as_slice(), b"\0", value, b"\0"].concat());
    }
    out
}
