/**
 * Text from tasks, messages and logs may come from anyone. On its way to a terminal it loses everything that could
 * steer one: escape sequences (colours, titles, clipboard), other control characters, and marks that reorder text.
 * Line breaks and tabs stay.
 */
export function sanitize(text: string): string {
  return text.replace(escapeSequences, '').replace(controls, '')
}

/** The same, but colours of letters stay; nothing worse does: backgrounds, hidden letters, black ones. */
export function sanitizeColored(text: string): string {
  return text
    .split(letterColors)
    .map((part, i) => (i % 2 === 0 ? sanitize(part) : part))
    .join('')
}

const letterColors = /(\x1b\[(?:(?:0?[0-4]?|2[2-4]|3[1-79]|9[0-7])(?:;(?=\d)|(?=m)))+m)/

// CSI … final byte; OSC, DCS, SOS, PM and APC … terminator; two-character escapes. C1 forms likewise.
const escapeSequences =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?/g

// C0 but \t and \n, DEL, C1; zero-width and bidirectional marks, Unicode's own line ends, invisible tags.
const controls =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu
