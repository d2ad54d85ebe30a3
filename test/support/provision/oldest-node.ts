import { join } from 'node:path'
import manifest from '../../../package.json' with { type: 'json' }
import { answer, run } from '../process.ts'
import { cacheDirectory } from './cache.ts'
import type { Part } from './part.ts'

/** The oldest Node that package.json admits, as npm has it for this machine. */
export const oldestNode: Part<'oldestNode'> = {
  packages: [],
  async find() {
    const version = await answer(path, ['--version'])
    return version === undefined ? undefined : { version: version.replace('v', ''), endpoint: { path } }
  },
  isInstalled: async () => (await answer('npm', ['--version'])) !== undefined,
  async start() {
    const install = ['install', '--prefix', home, '--no-save', '--no-audit', '--no-fund', `${name}@${oldest}`]
    const { code, stderr } = await run('npm', install, { timeoutMs: 300_000 })
    if (code !== 0) throw new Error(`npm ${install.join(' ')}: ${stderr.trim()}`)
    return { version: oldest, endpoint: { path } }
  },
}

/** `>=22.18` → `22.18`. */
const oldest = manifest.engines.node.replace('>=', '')
const name = `node-${process.platform}-${process.arch}`
const home = join(cacheDirectory, `node-${oldest}`)
const path = join(home, 'node_modules', name, 'bin', 'node')
