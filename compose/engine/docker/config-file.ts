import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../../file/discover.ts'
import { dockerDirectory } from './plugins.ts'

/** What is read of the docker CLI's configuration. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, StoredLogin>>
  readonly credsStore?: string
  readonly credHelpers?: Readonly<Record<string, string>>
  /** By endpoint, or `default`. */
  readonly proxies?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** A login that was not given to a keychain. */
export interface StoredLogin {
  readonly auth?: string
  readonly username?: string
  readonly password?: string
  readonly identitytoken?: string
}

/** The configuration file; empty when there is none, or none that can be read. */
export function readDockerConfig(env: Environment): DockerConfig {
  const path = join(dockerDirectory(env), 'config.json')
  return existsSync(path) ? parseDockerConfig(readFileSync(path, 'utf8')) : {}
}

export function parseDockerConfig(text: string | undefined): DockerConfig {
  try {
    return (JSON.parse(text ?? '{}') as DockerConfig | null) ?? {}
  } catch {
    return {}
  }
}

const variables: Readonly<Record<string, string>> = {
  httpProxy: 'HTTP_PROXY',
  httpsProxy: 'HTTPS_PROXY',
  noProxy: 'NO_PROXY',
  ftpProxy: 'FTP_PROXY',
  allProxy: 'ALL_PROXY',
}

/** The variables by which builds go through the user's proxies, in both spellings, as the docker CLI gives them. */
export function proxyVariables({ proxies = {} }: DockerConfig, endpoint: string): Readonly<Record<string, string>> {
  const settings = proxies[endpoint] ?? proxies.default ?? {}
  return Object.fromEntries(
    Object.entries(variables).flatMap(([key, name]): [string, string][] => {
      const value = settings[key]
      return value
        ? [
            [name, value],
            [name.toLowerCase(), value],
          ]
        : []
    }),
  )
}
