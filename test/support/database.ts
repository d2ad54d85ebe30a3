/** What no database backend can do, whichever database it is. */
export const databaseCannot = {
  'counts the ends of a chord': 'in Celery a task looks whether all have ended',
  'keeps groups until they are deleted': 'Celery pickles an object there, with its backend in it: more than data',
  'keeps the children of a task': "Celery's table has no column for them",
  'tells every change in its order':
    'a database tells nobody of a change: who looks twice a second sees the newest state',
} as const
