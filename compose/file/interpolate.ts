/** Replaces `$NAME` and `${NAME…}` in one value of a Compose file, by Compose's rules. */

/** The value of a variable; undefined when it is not set. */
export type Lookup = (name: string) => string | undefined

/** The text that results, or why there is none. */
export type Interpolated =
  | {
      readonly ok: true
      readonly text: string /** Variables that had neither value nor default. */
      readonly unset: readonly string[]
    }
  | { readonly ok: false; readonly problem: string }

/** Replaces every variable in a value; default values may hold variables too. */
export function interpolate(template: string, lookup: Lookup): Interpolated {
  const unset: string[] = []
  try {
    return { ok: true, text: substitute(template, lookup, unset), unset }
  } catch (thrown) {
    if (thrown instanceof Unsubstitutable) return { ok: false, problem: thrown.message }
    throw thrown
  }
}

class Unsubstitutable extends Error {}

/** Unset or empty, or only unset: what each operator calls missing, and what it then does. */
const operators: Readonly<Record<string, (value: string | undefined, argument: () => string, name: string) => string>> =
  {
    ':-': (value, argument) => value || argument(),
    '-': (value, argument) => value ?? argument(),
    ':?': (value, argument, name) => value || missing(name, argument()),
    '?': (value, argument, name) => value ?? missing(name, argument()),
    ':+': (value, argument) => (value ? argument() : ''),
    '+': (value, argument) => (value === undefined ? '' : argument()),
  }

function substitute(template: string, lookup: Lookup, unset: string[]): string {
  const plain = (name: string) => {
    const value = lookup(name)
    if (value === undefined) unset.push(name)
    return value ?? ''
  }
  let out = ''
  let at = 0
  while (at < template.length) {
    const dollar = template.indexOf('$', at)
    if (dollar < 0) return out + template.slice(at)
    out += template.slice(at, dollar)
    const rest = template.slice(dollar + 1)
    const name = /^[_a-z][_a-z0-9]*/i.exec(rest)?.[0]
    if (rest.startsWith('$')) {
      out += '$'
      at = dollar + 2
    } else if (rest.startsWith('{')) {
      const end = closingBrace(rest)
      out += braced(end < 0 ? undefined : rest.slice(1, end))
      at = dollar + 1 + end + 1
    } else {
      // A dollar before anything else stands for itself.
      out += name === undefined ? '$' : plain(name)
      at = dollar + 1 + (name?.length ?? 0)
    }
  }
  return out

  function braced(inner: string | undefined): string {
    const match = /^([_a-z][_a-z0-9]*)(:?[-?+])?/i.exec(inner ?? '')
    const [head = '', name = '', operator] = match ?? []
    if (inner === undefined || !match || (operator === undefined && head !== inner)) {
      // The text around it is not shown: it may be a password.
      throw new Unsubstitutable(`invalid interpolation after a dollar sign; to mean a dollar sign write $$`)
    }
    const apply = operators[operator ?? '']
    return apply ? apply(lookup(name), () => substitute(inner.slice(head.length), lookup, unset), name) : plain(name)
  }
}

function missing(name: string, reason: string): never {
  throw new Unsubstitutable(`required variable ${name} is missing a value${reason ? `: ${reason}` : ''}`)
}

/** The index of the brace that closes the one `text` begins with, or -1. */
function closingBrace(text: string): number {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{') depth++
    if (text[i] === '}' && --depth === 0) return i
  }
  return -1
}
