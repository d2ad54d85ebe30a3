/** A part of what the engine is sent. */
export type Json = Readonly<Record<string, unknown>>

/** Leaves out what says nothing; an explicit empty command or entrypoint says something. */
export function withoutEmpty(object: Json): Json {
  const says = (key: string, value: unknown) => {
    if (value === undefined) return false
    if (key === 'Cmd' || key === 'Entrypoint' || typeof value !== 'object' || value === null) return true
    return Object.keys(value).length > 0
  }
  return Object.fromEntries(Object.entries(object).filter(([key, value]) => says(key, value)))
}

/** A number that is kept as its digits. */
export function number(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits)
}
