import { isIP } from 'node:net'
import { posix } from 'node:path'
import type { ShortForm } from './kinds.ts'

/** A short text that cannot be read; the message says what it should look like. */
export class ShortFormError extends Error {}

/** How an entry of a list is written as text: the long forms it stands for. */
export const listForms: Partial<Readonly<Record<ShortForm, (text: string) => readonly object[]>>> = {
  port: portForms,
  mount: (text) => [mountForm(text)],
  device: (text) => [deviceForm(text)],
  'env-file': (path) => [{ path, required: true }],
  'file-reference': (source) => [{ source }],
  gpu: () => [{ count: 'all' }],
  include: (path) => [{ path: [path] }],
}

/** Entries of their own that may be written in another way; undefined for those that are not. */
export const entryForms: Partial<Readonly<Record<ShortForm, (value: unknown) => object | undefined>>> = {
  build: (context) => (typeof context === 'string' ? { context } : undefined),
  extends: (service) => (typeof service === 'string' ? { service } : undefined),
  external: externalForm,
}

/** `external: { name: x }`, from before things could be named otherwise. */
function externalForm(value: unknown): object | undefined {
  const { external, ...rest } = value as { external?: unknown; name?: string }
  if (typeof external !== 'object' || external === null) return undefined
  return { ...external, ...rest, external: true }
}

/** What the mere name of an entry means in a map that may be written as a list of names. */
export const nameForms: Partial<Readonly<Record<ShortForm, unknown>>> = {
  dependency: { condition: 'service_started', required: true },
  network: null,
}

const portPattern =
  /^(?:(?:(?<host>\[[^\]]+\]|[^:/[\]]*):)?(?<published>\d+(?:-\d+)?)?:)?(?<target>\d+(?:-\d+)?)(?:\/(?<protocol>[a-z]+))?$/i

/** `[IP:][HOST[-END]:]CONTAINER[-END][/PROTOCOL]` */
function portForms(text: string): readonly object[] {
  const groups = portPattern.exec(text)?.groups
  const host = groups?.host?.replace(/^\[(.*)\]$/, '$1') || undefined
  const protocol = (groups?.protocol ?? 'tcp').toLowerCase()
  if (!groups?.target || (host !== undefined && !isIP(host)) || !['tcp', 'udp', 'sctp'].includes(protocol)) {
    throw new ShortFormError(`"${text}" is not [IP:][HOST:]CONTAINER[/tcp|udp|sctp]`)
  }
  const targets = range(text, groups.target)
  const published = groups.published === undefined ? undefined : range(text, groups.published)
  // One container port behind a range of host ports: the engine takes any free one.
  const oneOfMany = published !== undefined && published.length > 1 && targets.length === 1
  if (published && !oneOfMany && published.length !== targets.length) {
    throw new ShortFormError(`the host and container ranges of "${text}" differ in length`)
  }
  return targets
    .map((target, index) => ({
      ...(host === undefined ? {} : { host_ip: host }),
      target,
      ...(published ? { published: oneOfMany ? groups.published : String(published[index]) } : {}),
      protocol,
    }))
    .sort((a, b) => (`${a.target}` < `${b.target}` ? -1 : 1))
}

function range(whole: string, text: string): number[] {
  const [start = Number.NaN, end = start] = text.split('-').map(Number)
  if (end < start || end > 65535) throw new ShortFormError(`"${whole}" has an impossible port range`)
  return Array.from({ length: end - start + 1 }, (_, index) => start + index)
}

const propagations = ['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave']

/** `[SOURCE:]TARGET[:option,…]`; a source that begins like a path is a bind, any other a named volume. */
function mountForm(text: string): object {
  const parts = splitMount(text)
  if (parts.length > 3 || parts.some((part) => part === '')) {
    throw new ShortFormError(`"${text}" is not [SOURCE:]TARGET[:OPTIONS]`)
  }
  const [source, target, optionList = ''] = parts.length === 1 ? [undefined, parts[0]] : parts
  const options = optionList.split(',')
  const isBind = source !== undefined && /^([./~]|\\\\|[a-z]:)/i.test(source)
  const selinux = options.find((option) => option === 'z' || option === 'Z')
  const propagation = options.find((option) => propagations.includes(option))
  const bind = { ...(selinux && { selinux }), ...(propagation && { propagation }) }
  return {
    type: isBind ? 'bind' : 'volume',
    ...(source === undefined ? {} : { source }),
    target: posix.normalize(target ?? '').replace(/(.)\/$/, '$1'),
    ...(options.includes('ro') && { read_only: true }),
    ...(isBind ? { bind: { ...bind, create_host_path: true } } : (selinux || propagation) && { bind }),
    ...(options.includes('nocopy') ? { volume: { nocopy: true } } : isBind ? {} : { volume: {} }),
  }
}

/** Splits at colons, but not after the single letter of a Windows drive. */
function splitMount(text: string): string[] {
  const parts: string[] = []
  for (const part of text.split(':')) {
    const last = parts.at(-1)
    if (last !== undefined && /^[a-z]$/i.test(last)) parts[parts.length - 1] = `${last}:${part}`
    else parts.push(part)
  }
  return parts
}

/** `SOURCE[:TARGET[:PERMISSIONS]]` */
function deviceForm(text: string): object {
  const [source = '', target, permissions, ...more] = text.split(':')
  if (source === '' || more.length > 0) throw new ShortFormError(`"${text}" is not SOURCE[:TARGET[:PERMISSIONS]]`)
  return { source, target: target || source, permissions: permissions ?? 'rwm' }
}
