// Runs a WebAssembly program with WASI preview 1: cargo's runner for the tests of core on the target that ships.
//
//     node core/wasi-runner.mjs PROGRAM.wasm [ARGUMENT...]
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';
import process, { argv } from 'node:process';

const [program, ...rest] = argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [program, ...rest], env: { RUST_BACKTRACE: '0' }, returnOnExit: true });
const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
// Node ends by itself: exit() would end the process under threads that still compile WebAssembly, which sometimes crashes it.
process.exitCode = wasi.start(instance);
