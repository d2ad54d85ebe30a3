/** The registry that an image's name begins with, `registry.example.org:5000`; empty for Docker Hub. */
export function registryName(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  return isHost && first !== 'docker.io' && first !== 'index.docker.io' ? first : ''
}

/** Without a tag the engine would fetch every one there is. */
export function nameAndTag(reference: string): { name: string; tag: string } {
  const [name = reference, digest] = reference.split('@')
  const [, path = name, tag] = /^(.*?)(?::([^:/]+))?$/.exec(name) ?? []
  return { name: path, tag: digest ?? tag ?? 'latest' }
}
