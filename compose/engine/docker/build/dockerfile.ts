/** One instruction of a Dockerfile. */
export interface Instruction {
  /** From 1: where it begins. */
  readonly line: number
  /** Upper case: `RUN`. */
  readonly keyword: string
  /** As one line, without its continuations and here-documents. */
  readonly text: string
}

/** The instructions of a Dockerfile in the order in which the builder counts its steps. */
export function instructionsOf(dockerfile: string): readonly Instruction[] {
  const lines = dockerfile.replace(/^\ufeff/, '').split(/\r?\n/)
  const continued = escapeCharacter(lines) === '`' ? /`[ \t]*$/ : /\\[ \t]*$/
  const found: Instruction[] = []
  for (let at = 0; at < lines.length; at++) {
    if (isBlank(lines[at])) continue
    const line = at + 1
    let text = ''
    for (; at < lines.length; at++) {
      const part = lines[at] ?? ''
      // Comments and empty lines within an instruction are passed over.
      if (text !== '' && isBlank(part)) continue
      text += `${part.replace(continued, '').trim()} `
      if (!continued.test(part)) break
    }
    for (const end of hereDocuments(text)) while (++at < lines.length && lines[at]?.trim() !== end);
    found.push({ line, keyword: /^\S*/.exec(text)?.[0].toUpperCase() ?? '', text: text.trim() })
  }
  return found
}

function isBlank(line: string | undefined): boolean {
  return /^\s*(#.*)?$/.test(line ?? '')
}

/** `# escape=` + a backtick, in the comments that a file begins with. */
function escapeCharacter(lines: readonly string[]): string {
  for (const line of lines) {
    const directive = /^#\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line)
    if (!directive) return '\\'
    if (directive[1]?.toLowerCase() === 'escape') return directive[2] ?? '\\'
  }
  return '\\'
}

/** The words that end the here-documents of an instruction: `RUN <<EOF`. */
function hereDocuments(text: string): readonly string[] {
  return /^(RUN|COPY|ADD)\s/i.test(text)
    ? [...text.matchAll(/(?<!<)<<-?(["']?)([A-Za-z_]\w*)\1/g)].map(([, , word = '']) => word)
    : []
}

/**
 * The images that a Dockerfile begins its stages with, as far as its arguments tell; stages of its own and `scratch`
 * are none.
 */
export function baseImages(dockerfile: string, args: Readonly<Record<string, string | null>> = {}): readonly string[] {
  const values = new Map<string, string>()
  const stages = new Set(['scratch'])
  const images = new Set<string>()
  for (const { keyword, text } of instructionsOf(dockerfile)) {
    if (keyword === 'ARG' && images.size === 0) {
      const [, name = '', given] = /^\S+\s+(\w+)(?:=(\S*))?/.exec(text) ?? []
      const value = args[name] ?? given?.replace(/^(["'])(.*)\1$/, '$2')
      if (value !== undefined) values.set(name, value)
    }
    if (keyword !== 'FROM') continue
    const [, reference = '', stage] = /^\S+\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(text) ?? []
    const image = reference.replace(
      /\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))/g,
      (_, braced?: string, otherwise?: string, bare?: string) => values.get(braced ?? bare ?? '') ?? otherwise ?? '',
    )
    if (image !== '' && !stages.has(image.toLowerCase())) images.add(image)
    if (stage) stages.add(stage.toLowerCase())
  }
  return [...images]
}
