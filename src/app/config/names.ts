import { isDeepStrictEqual } from 'node:util'
import { closestMatch } from 'leven'
import { CeleryError } from '../../errors.ts'
import { settingsTable } from '../config.ts'
import { snakeCase } from './case.ts'
import { notSupportedYet, withoutEffect } from './inert.ts'

/** The names of before Celery 4, where they do not follow from the new ones by {@link oldPrefixes}. */
const oldExceptions: Readonly<Record<string, string>> = {
  databaseEngineOptions: 'CELERY_RESULT_ENGINE_OPTIONS',
  databaseShortLivedSessions: 'CELERY_RESULT_DB_SHORT_LIVED_SESSIONS',
  databaseTableNames: 'CELERY_RESULT_DB_TABLENAMES',
  databaseUrl: 'CELERY_RESULT_DBURI',
  resultAcceptContent: 'RESULT_ACCEPT_CONTENT',
  resultCacheMax: 'CELERY_MAX_CACHED_RESULTS',
  resultExpires: 'CELERY_TASK_RESULT_EXPIRES',
  taskCompression: 'CELERY_MESSAGE_COMPRESSION',
  taskEagerPropagates: 'CELERY_EAGER_PROPAGATES_EXCEPTIONS',
  taskProtocol: 'CELERY_TASK_PROTOCOL',
  taskPublishRetry: 'CELERY_TASK_PUBLISH_RETRY',
  taskPublishRetryPolicy: 'CELERY_TASK_PUBLISH_RETRY_POLICY',
  taskSendSentEvent: 'CELERY_SEND_TASK_SENT_EVENT',
  taskSerializer: 'CELERY_TASK_SERIALIZER',
  taskSoftTimeLimit: 'CELERYD_TASK_SOFT_TIME_LIMIT',
  taskTimeLimit: 'CELERYD_TASK_TIME_LIMIT',
  workerDirect: 'CELERY_WORKER_DIRECT',
  workerDisableRateLimits: 'CELERY_DISABLE_RATE_LIMITS',
  workerEnableRemoteControl: 'CELERY_ENABLE_REMOTE_CONTROL',
  workerLostWait: 'CELERYD_WORKER_LOST_WAIT',
  workerRedirectStdouts: 'CELERY_REDIRECT_STDOUTS',
  workerRedirectStdoutsLevel: 'CELERY_REDIRECT_STDOUTS_LEVEL',
  workerSendTaskEvents: 'CELERY_SEND_EVENTS',
}

/** A beginning of the new name and what stood in its place; the first that fits. */
const oldPrefixes: readonly (readonly [RegExp, string])[] = [
  [/^TASK_/, 'CELERY_'],
  [/^WORKER_/, 'CELERYD_'],
  [/^BEAT_/, 'CELERYBEAT_'],
  [/^(?=(ACCEPT_CONTENT|IMPORTS|INCLUDE|TIMEZONE)$)/, 'CELERY_'],
  [/^(?=(ARANGODB|CACHE|COUCHBASE|ELASTICSEARCH|EVENT|MONGODB|REDIS|RESULT|SECURITY)_)/, 'CELERY_'],
]

function oldName(name: string): string {
  const upper = snakeCase(name).toUpperCase()
  const [pattern, prefix] = oldPrefixes.find(([candidate]) => candidate.test(upper)) ?? [/^/, '']
  return oldExceptions[name] ?? upper.replace(pattern, prefix)
}

const known = [...Object.keys(settingsTable), ...Object.keys(notSupportedYet), ...withoutEffect]
const spellings = new Map(known.flatMap((name) => [name, snakeCase(name), oldName(name)].map((s) => [s, name])))

/**
 * Gives each setting its name in camelCase. It may come as `taskDefaultQueue`, `task_default_queue` or, from before
 * Celery 4, `CELERY_DEFAULT_QUEUE`; or, with a namespace, as `CELERY_TASK_DEFAULT_QUEUE` among other things.
 *
 * @throws {CeleryError} IMPROPERLY_CONFIGURED for a name that nobody knows, with the nearest; for a setting that comes
 * twice with different values
 */
export function nameSettings(given: Readonly<Record<string, unknown>>, namespace?: string): Record<string, unknown> {
  const prefix = namespace ? `${namespace.replace(/_+$/, '')}_` : ''
  const named: Record<string, unknown> = {}
  const spelled = new Map<string, string>()
  for (const [key, value] of Object.entries(given)) {
    if (!key.startsWith(prefix) || value === undefined) continue
    const name = namespace ? newName(key.slice(prefix.length).toLowerCase(), key) : newName(key, key)
    const other = spelled.get(name)
    if (other && !isDeepStrictEqual(named[name], value)) {
      const next = 'Keep one of them.'
      throw new CeleryError('IMPROPERLY_CONFIGURED', `'${other}' and '${key}' are one setting with two values`, {
        next,
      })
    }
    named[name] = value
    spelled.set(name, key)
  }
  return named
}

function newName(key: string, spelling: string): string {
  const name = spellings.get(key)
  if (name) return name
  const next = `The nearest setting is '${closestMatch(key, [...spellings.keys()])}'.`
  throw new CeleryError('IMPROPERLY_CONFIGURED', `there is no setting '${spelling}'`, { next })
}
