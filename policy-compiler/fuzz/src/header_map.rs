//! The header map of proxy-wasm: arbitrary bytes, and the encoding of arbitrary maps.

use context_mesh_core::headers::Headers;

/// One execution. The first byte chooses whether the rest is an encoded map, or the pieces of one.
///
/// # Panics
/// A map is not read back as it was written: a finding.
pub fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    if kind % 4 != 0 {
        whole(rest);
        return;
    }
    let mut pieces = rest.split(|byte| *byte == 0);
    let mut entries = Vec::new();
    while let (Some(name), Some(value)) = (pieces.next(), pieces.next()) {
        entries.push((name, value));
    }
    let written = write(&entries);
    let read = Headers::parse(&written).expect("a map that was written");
    assert_eq!(read.iter().collect::<Vec<_>>(), entries);
    // The sizes of any shorter map do not add up.
    assert!(written.split_last().is_none_or(|(_, shorter)| Headers::parse(shorter).is_none()));
}

/// Checks that everything that is read lies within the map, piece by piece.
fn whole(map: &[u8]) {
    if let Some(headers) = Headers::parse(map) {
        let entries: Vec<_> = headers.iter().collect();
        assert!(map.starts_with(write(&entries).get(..4 + 8 * entries.len()).unwrap_or_default()));
    }
}

fn write(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut map = size(entries.len()).to_vec();
    map.extend(entries.iter().flat_map(|(name, value)| [size(name.len()), size(value.len())].concat()));
    for (name, value) in entries {
        map.extend([*name, &[0], *value, &[0]].concat());
    }
    map
}
