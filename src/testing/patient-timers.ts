// Imported first by a worker of the tests: its deadlines are ten times as long. A machine that is busy with something else
// may let a worker wait for as long as a server may, and then the test would be about the machine.
const ownTimeout = globalThis.setTimeout

globalThis.setTimeout = ((run: () => void, ms = 0) => ownTimeout(run, ms * 10)) as typeof globalThis.setTimeout
