const escapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
  '\\': '\\\\',
  '"': '\\"',
}
const unescapes = Object.fromEntries(Object.entries(escapes).map(([raw, escaped]) => [escaped.slice(1), raw]))

/** The word in double quotes, as MONITOR shows it: whatever does not print is escaped. */
export function quoted(word: string): string {
  const inner = word.replace(/[^\x20-\x7e]|["\\]/g, (char) => escapes[char] ?? `\\x${hex(char)}`)
  return `"${inner}"`
}

function hex(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(2, '0')
}

// One word: bare bytes, then perhaps a quoted piece that ends it; double quotes know escapes, single ones only \'.
// Space is C's isspace: \s would take the byte 0xa0 for one.
const word =
  /[ \t-\r]*(?=[^ \t-\r])([^ \t-\r"']*)(?:"((?:\\x[0-9a-f]{2}|\\.|[^"\\])*)"(?=[ \t-\r]|$)|'((?:\\'|[^'])*)'(?=[ \t-\r]|$))?/giy

/** An inline command's words, quotes taken off; undefined when a quote stays open or does not end its word. */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = []
  let end = 0
  for (const [whole, bare = '', double = '', single = ''] of line.matchAll(word)) {
    if (whole === '') break
    end += whole.length
    words.push(bare + double.replace(/\\(?:x([0-9a-f]{2})|(.))/gis, unescaped) + single.replaceAll("\\'", "'"))
  }
  return /^[ \t-\r]*$/.test(line.slice(end)) ? words : undefined
}

function unescaped(_: string, code: string | undefined, char: string): string {
  return code === undefined ? (unescapes[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16))
}
