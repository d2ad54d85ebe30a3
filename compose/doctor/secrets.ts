/** Whether a variable, argument or key is named as secrets are. */
export function isSecretName(name: string): boolean {
  return (
    /pass(word|wd|phrase|code)?|secret|token|credential|cookie|salt/i.test(name) ||
    /(^|[_.-])(auth|pwd|dsn|private|api|key|cert|pat)s?($|[_.-])/i.test(name) ||
    /[a-z]Key$/.test(name)
  )
}

/** Passwords within addresses: `redis://:this@host`. */
export function passwordsIn(text: string): readonly string[] {
  return [...text.matchAll(/[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:([^\s/]+)@/gi)].flatMap(([, password = '']) => [
    password,
    decoded(password),
  ])
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The values of variables that are secret by their name, and the passwords in all others. */
export function secretsOfEnvironment(
  environment: Readonly<Record<string, string | null | undefined>>,
): readonly string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (!value) return []
    return isSecretName(name) ? [value, ...passwordsIn(value)] : passwordsIn(value)
  })
}

/** `--requirepass x`, `--password=x`: the word after an option that is named as secrets are. */
export function secretsOfCommand(words: readonly string[]): readonly string[] {
  return words.flatMap((word, index) => {
    const [, option = '', value] = /^--?([\w-]+)(?:=(.*))?$/s.exec(word) ?? []
    if (!isSecretName(option)) return passwordsIn(word)
    return value !== undefined ? [value] : (words[index + 1] ?? [])
  })
}

/** All that is secret in a resolved compose file, whatever key it stands under. */
export function secretsOfModel(value: unknown): readonly string[] {
  if (typeof value === 'string') return passwordsIn(value)
  if (Array.isArray(value)) {
    const words = value.filter((word) => typeof word === 'string')
    return [
      ...secretsOfCommand(words),
      ...value.flatMap((entry) => (typeof entry === 'string' ? [] : secretsOfModel(entry))),
    ]
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, entry]) => [
    ...(typeof entry === 'string' && (isSecretName(key) || key === 'content') ? [entry, ...linesOf(entry)] : []),
    ...secretsOfModel(entry),
  ])
}

/** A secret of several lines may be met line by line. */
export function linesOf(text: string): readonly string[] {
  return text.split(/\r?\n/).map((line) => line.trim())
}

/**
 * What is looked for in all text. Values that everybody has (`true`, `info`, a port) would black out half of it and
 * hide nothing; under a secret name they are hidden all the same.
 */
export function worthHiding(value: string): boolean {
  return value.length >= 4 && !/^\d{1,5}$/.test(value) && !common.has(value.toLowerCase())
}

const common = new Set(
  'true false none null info debug warn warning error localhost 127.0.0.1 0.0.0.0 production development test redis rabbitmq guest default'.split(
    ' ',
  ),
)
