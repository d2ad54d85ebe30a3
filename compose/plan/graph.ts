/**
 * Names in an order in which each comes after those it depends on; neighbours keep the order they were given in.
 * Names that are not in the list, and circles, are passed over.
 */
export function dependencyOrder(
  names: readonly string[],
  dependenciesOf: (name: string) => readonly string[],
): readonly string[] {
  const ordered = new Set<string>()
  const visit = (name: string, trail: readonly string[]): void => {
    if (ordered.has(name) || trail.includes(name) || !names.includes(name)) return
    for (const dependency of dependenciesOf(name)) visit(dependency, [...trail, name])
    ordered.add(name)
  }
  for (const name of names) visit(name, [])
  return [...ordered]
}

/** The names and everything they depend on, directly or through others. */
export function withDependencies(
  names: readonly string[],
  dependenciesOf: (name: string) => readonly string[],
): ReadonlySet<string> {
  const reached = new Set<string>()
  const visit = (name: string): void => {
    if (reached.has(name)) return
    reached.add(name)
    for (const dependency of dependenciesOf(name)) visit(dependency)
  }
  for (const name of names) visit(name)
  return reached
}
