import { execFile } from 'node:child_process'
import type { Environment } from '../../file/discover.ts'
import { type DockerConfig, parseDockerConfig, readDockerConfig } from './config-file.ts'
import { registryName } from './reference.ts'

/** What a registry is shown; the engine takes it with each pull. */
export type Credentials =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string }

/** How the docker CLI calls Docker Hub. */
const hub = 'https://index.docker.io/v1/'

/**
 * What `docker login` left for the registry of an image: in DOCKER_AUTH_CONFIG, with the registry's own helper, in
 * the store of the system, or in the configuration file. Only the one registry is asked for; undefined is anonymous.
 *
 * @param helperTimeoutMs a keychain that asks its user and gets no answer must not hold up a pull
 */
export async function credentialsFor(
  reference: string,
  env: Environment,
  helperTimeoutMs = 5000,
): Promise<Credentials | undefined> {
  const registry = registryName(reference) || hub
  const given = parseDockerConfig(env.DOCKER_AUTH_CONFIG)
  const config = readDockerConfig(env)
  const helper = config.credHelpers?.[registry] ?? config.credsStore
  return (
    stored(given, registry) ??
    (helper ? await fromHelper(helper, registry, env, helperTimeoutMs) : undefined) ??
    stored(config, registry)
  )
}

/** The header of a request in which the engine expects them: base64 for URLs, filled up. */
export function credentialsHeader(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

function stored({ auths = {} }: DockerConfig, registry: string): Credentials | undefined {
  // Older logins kept the address as it was typed: with a scheme or a path.
  const key = Object.keys(auths).find((name) => name === registry || hostOf(name) === hostOf(registry))
  const login = key === undefined ? undefined : auths[key]
  if (!login) return undefined
  if (login.identitytoken) return { identitytoken: login.identitytoken, serveraddress: registry }
  const [username, password] = login.auth
    ? (/^([^:]*):(.*)$/s.exec(Buffer.from(login.auth, 'base64').toString().replace(/\0+$/, ''))?.slice(1) ?? [])
    : [login.username, login.password]
  return username && password ? { username, password, serveraddress: registry } : undefined
}

function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
}

/** `docker-credential-<name> get`: the registry on standard input, a login as JSON on standard output. */
function fromHelper(
  name: string,
  registry: string,
  env: Environment,
  timeout: number,
): Promise<Credentials | undefined> {
  return new Promise((resolve) => {
    const options = { timeout, env: { ...env } }
    const child = execFile(`docker-credential-${name}`, ['get'], options, (error, stdout) => {
      // `credentials not found in native keychain`, no such program: anonymous, and the registry will say so.
      resolve(error ? undefined : readLogin(stdout, registry))
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(registry)
  })
}

function readLogin(text: string, registry: string): Credentials | undefined {
  try {
    const { Username, Secret } = JSON.parse(text) as { Username?: string; Secret?: string }
    if (!Username || !Secret) return undefined
    return Username === '<token>'
      ? { identitytoken: Secret, serveraddress: registry }
      : { username: Username, password: Secret, serveraddress: registry }
  } catch {
    return undefined
  }
}
