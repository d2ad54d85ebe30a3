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
