import { execFileSync } from 'node:child_process'
import { messageOf } from '../../src/index.ts'
import { CliError } from '../errors.ts'

/**
 * Makes this process another user's, for good: with all groups of that user, and no way back.
 *
 * @param uid a user's name or number
 * @param gid a group's; by default the user's own
 * @throws {CliError} USAGE when there is no such user or group, NOT_PERMITTED when this process is not root's
 */
export function becomeUser(uid: string | undefined, gid: string | undefined): void {
  if (uid === undefined && gid === undefined) return
  const { geteuid, setgid, setgroups, setuid } = process
  if (!geteuid || !setgid || !setgroups || !setuid) {
    throw new CliError('NOT_PERMITTED', 'this system has no users to change to')
  }
  if (geteuid() !== 0) throw new CliError('NOT_PERMITTED', 'only root can run as another user')
  try {
    // The groups first: a user who is not root any more could not change them.
    if (uid !== undefined) setgroups(groupsOf(uid, '-G'))
    setgid(gid === undefined ? (groupsOf(uid ?? '0', '-g')[0] ?? 0) : idOf(gid))
    if (uid !== undefined) setuid(idOf(uid))
  } catch (cause) {
    const whom = [uid !== undefined && `user ${uid}`, gid !== undefined && `group ${gid}`].filter(Boolean).join(', ')
    throw new CliError('USAGE', `cannot become ${whom}: ${messageOf(cause)}`, { cause })
  }
  if (geteuid() !== 0 && canReturn(setuid)) throw new CliError('NOT_PERMITTED', `${uid} could become root again`)
}

const idOf = (given: string): number | string => (/^\d+$/.test(given) ? Number(given) : given)

/** Node does not read the user database; every system has a program that does. */
function groupsOf(user: string, which: '-g' | '-G'): number[] {
  try {
    return execFileSync('id', [which, '--', user], { encoding: 'utf8', stdio: 'pipe' }).trim().split(' ').map(Number)
  } catch (cause) {
    throw new Error('there is no such user', { cause })
  }
}

function canReturn(setuid: (id: number) => void): boolean {
  try {
    setuid(0)
    return true
  } catch {
    return false
  }
}

/** Said by a worker that runs as root; undefined for others, and for who has said C_FORCE_ROOT. */
export function rootWarning(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (process.geteuid?.() !== 0 || env.C_FORCE_ROOT) return undefined
  return 'This worker runs as root, and so do its tasks. Give it a user of its own with --uid, or accept it with C_FORCE_ROOT=1.'
}
