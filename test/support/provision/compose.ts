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

/** A program that only has to be unpacked. */
const unpacked = <Name extends 'buildx' | 'registry'>(program: Unpacked, versionWord: string): Part<Name> => {
  const found = async () => {
    const path = unpackedPath(program)
    return { version: (await answer(path, [versionWord])) ?? '', endpoint: { path } }
  }
  return {
    packages: [],
    find: async () => (isUnpacked(program) ? found() : undefined),
    isInstalled: async () => (await answer('apt-get', ['--version'])) !== undefined,
    async start() {
      await unpack(program)
      return found()
    },
  }
}

/** The plugin that builds with BuildKit. */
export const buildx = unpacked<'buildx'>(
  { suite: 'sid', package: 'docker-buildx', file: 'usr/libexec/docker/cli-plugins/docker-buildx' },
  'version',
)

/** A registry of images; tests start it themselves. */
export const registry = unpacked<'registry'>(
  { suite: 'bookworm', package: 'docker-registry', file: 'usr/bin/docker-registry' },
  '--version',
)
