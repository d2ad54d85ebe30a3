import { answer } from '../process.ts'
import type { Part } from './part.ts'
import { isUnpacked, type Unpacked, unpack, unpackedPath } from './unpack.ts'

const ofCompose = (suite: string): Unpacked => ({
  suite,
  package: 'docker-compose',
  file: 'usr/libexec/docker/cli-plugins/docker-compose',
})

/** They carry 2.40 and 2.26. */
const releases = { current: ofCompose('sid'), older: ofCompose('trixie') }

/** Docker Compose out of Debian's packages: two releases, side by side. */
export const compose: Part<'compose'> = {
  packages: [],
  find: async () => (Object.values(releases).every(isUnpacked) ? found() : undefined),
  isInstalled: async () => (await answer('apt-get', ['--version'])) !== undefined,
  async start() {
    await Promise.all(Object.values(releases).map(unpack))
    return found()
  },
}

async function found() {
  const endpoint = { current: unpackedPath(releases.current), older: unpackedPath(releases.older) }
  const versions = await Promise.all(Object.values(endpoint).map((path) => answer(path, ['version', '--short'])))
  return { version: versions.join(', '), endpoint }
}

const plugin: Unpacked = {
  suite: 'sid',
  package: 'docker-buildx',
  file: 'usr/libexec/docker/cli-plugins/docker-buildx',
}

/** The plugin that builds with BuildKit. */
export const buildx: Part<'buildx'> = {
  packages: [],
  find: async () => (isUnpacked(plugin) ? foundBuildx() : undefined),
  isInstalled: async () => (await answer('apt-get', ['--version'])) !== undefined,
  async start() {
    await unpack(plugin)
    return foundBuildx()
  },
}

async function foundBuildx() {
  const path = unpackedPath(plugin)
  return { version: (await answer(path, ['version'])) ?? '', endpoint: { path } }
}
