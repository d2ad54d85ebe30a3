import { hostname } from 'node:os'

/** This host's name: HOSTNAME where it is set (containers, the embedded engine), else what the system says. */
export const hostName = (): string => process.env.HOSTNAME || hostname()

/**
 * A node name as Celery writes it: `worker@host`. `%h` stands for this host, `%n` for the part before the @; without
 * an @ the host is added.
 */
export function nodename(given: string): string {
  const [name = '', host = '%h'] = given.split('@')
  return `${name}@${host}`.replaceAll('%h', hostName()).replaceAll('%n', name)
}

/** A path of one node's own, with Celery's placeholders: `%n` is the node's name, `%d` its host, `%h` both. */
export function nodePath(pattern: string, nodename: string): string {
  const [name = '', domain = ''] = nodename.split(/@(.*)/s)
  const parts: Record<string, string> = { '%': '%', n: name, h: nodename, d: domain, i: '0', I: '' }
  return pattern.replace(/%([%nhdiI])/g, (_, letter: string) => parts[letter] ?? '')
}
