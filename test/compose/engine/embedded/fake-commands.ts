import { join } from 'node:path'
import type { Commands } from '../../../../compose/engine/engine.ts'

/** Tiny programs in place of a broker and of our CLI. */
export const fakeCommands: Commands = {
  broker: [process.execPath, join(import.meta.dirname, 'fake-broker.ts')],
  bin: [process.execPath, join(import.meta.dirname, 'fake-cli.ts')],
}
