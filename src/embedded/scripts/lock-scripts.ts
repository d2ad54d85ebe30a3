import type { Database } from '../database.ts'
import type { NativeScript } from './native-script.ts'

const release: NativeScript = ({ db }, [name = ''], [token]) => {
  return holds(db, name, token) && db.remove(name) ? 1 : 0
}

const extend: NativeScript = ({ db }, [name = ''], [token, milliseconds, replace]) => {
  const deadline = db.deadline(name)
  if (!holds(db, name, token) || deadline === undefined) return 0
  const from = replace === '0' ? deadline : db.now()
  db.expireAt(name, from + Number(milliseconds))
  return 1
}

const reacquire: NativeScript = ({ db }, [name = ''], [token, milliseconds]) => {
  if (!holds(db, name, token)) return 0
  db.expireAt(name, db.now() + Number(milliseconds))
  return 1
}

function holds(db: Database, name: string, token: string | undefined): boolean {
  return token !== undefined && db.read(name, 'string') === token
}

/** The scripts of redis-py's Lock, by the SHA1 of their text: kombu guards its restore sweep with one. */
export const lockScripts: Readonly<Record<string, NativeScript>> = {
  c3f8721cbb97f72bc19e972846bd7aaf91901658: release,
  a4e8783852e6b949f9ef3a97212805108459a890: extend,
  '1cac51482acf5858da00f6d685d68f886cd6b6b2': reacquire,
}
