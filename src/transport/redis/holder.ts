import { createHash, randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { processStart } from '../../process-start.ts'

/**
 * Who holds a message. The tag under which a taken message is recorded says it: host, process and consumer, so that
 * every worker of this host can see at once that the holder died. Python, which restores by tag, takes any.
 *
 * `celery-sandbox/<host>/<pid>.<start>/<consumer>.<number>.<place>`
 */
export class Holder {
  readonly #stem = `${ownProcess}/${randomUUID()}`
  #count = 0

  /** Begins the tags of one take; no two are alike. */
  nextStem(): string {
    this.#count += 1
    return `${this.#stem}.${this.#count}`
  }

  /**
   * Whether nobody holds the tag any more. Of one's own only those in `held` are held: a reply that was lost on the
   * way leaves others.
   */
  isGone(tag: string, held: (tag: string) => boolean): boolean {
    if (tag.startsWith(`${this.#stem}.`)) return !held(tag)
    const [, pid, startedAt] = processPattern.exec(tag) ?? []
    return pid !== undefined && startedAt !== undefined && processStart(Number(pid)) !== startedAt
  }
}

/** How the tags of every process of this host begin. */
export const hostPrefix = `celery-sandbox/${hostId()}/`

const ownProcess = `${hostPrefix}${process.pid}.${processStart(process.pid)}`

const processPattern = /^celery-sandbox\/[^/]*\/(\d+)\.(\d+)\//

// Two containers may share a name, and two namespaces their process numbers.
function hostId(): string {
  const facts = [hostname(), read('/proc/sys/kernel/random/boot_id'), namespace()]
  return `${hostname()}-${createHash('sha1').update(facts.join('\n')).digest('hex').slice(0, 12)}`
}

function namespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
