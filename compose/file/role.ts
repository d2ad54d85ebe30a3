import type { Role } from './model.ts'

/** The label by which a service says what it is to Celery. */
export const roleLabel = 'dev.celery-sandbox.role'

const roles: readonly Role[] = ['redis', 'rabbitmq', 'worker']

/** Image names, without registry, owner and tag. */
const imageRoles: ReadonlyMap<string, Role> = new Map([
  ['redis', 'redis'],
  ['valkey', 'redis'],
  ['rabbitmq', 'rabbitmq'],
])

/** The port a role listens on inside its container. */
export const mainPorts: Readonly<Record<Role, number | undefined>> = { redis: 6379, rabbitmq: 5672, worker: undefined }

/** From the label, else the image's base name, else a command that runs `celery-sandbox worker`. */
export function roleOf(service: {
  labels?: Readonly<Record<string, string>> | undefined
  image?: string | undefined
  command?: readonly string[] | null | undefined
}): Role | undefined {
  const label = service.labels?.[roleLabel]
  if (label !== undefined) return roles.find((role) => role === label)
  return imageRoles.get(baseName(service.image ?? '')) ?? (runsWorker(service.command ?? []) ? 'worker' : undefined)
}

/** `ghcr.io/acme/redis:8@sha256:…` → `redis` */
function baseName(image: string): string {
  return (image.split('/').at(-1) ?? '').replace(/[:@].*$/s, '')
}

function runsWorker(command: readonly string[]): boolean {
  return /(^|[\s/])celery-sandbox(\.js)?\s+worker(\s|$)/.test(command.join(' '))
}
