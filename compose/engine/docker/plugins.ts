import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../../file/discover.ts'

/** The plugin of the docker CLI that the user would run as `docker compose` or `docker buildx`. */
export function findPlugin(name: 'compose' | 'buildx', env: Environment): string | undefined {
  const program = `docker-${name}${process.platform === 'win32' ? '.exe' : ''}`
  return [
    join(dockerDirectory(env), 'cli-plugins'),
    '/usr/local/lib/docker/cli-plugins',
    '/usr/local/libexec/docker/cli-plugins',
    '/usr/lib/docker/cli-plugins',
    '/usr/libexec/docker/cli-plugins',
  ]
    .map((directory) => join(directory, program))
    .find((path) => existsSync(path))
}

/** Where the docker CLI keeps its configuration. */
export function dockerDirectory(env: Environment): string {
  return env.DOCKER_CONFIG || join(env.HOME ?? homedir(), '.docker')
}
