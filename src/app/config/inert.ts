import { camelCase } from './case.ts'

/** Settings of Celery's that this version does not act on, each with the value that holds here (undefined: none). */
export const notSupportedYet: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(
    words(`
      broker_failover_strategy broker_heartbeat broker_heartbeat_checkrate broker_host broker_password broker_port
      broker_read_url broker_transport broker_use_ssl broker_user broker_vhost broker_write_url
      event_queue_durable event_queue_exclusive control_queue_durable control_queue_exclusive
      redis_backend_use_ssl redis_client_name redis_db redis_host redis_max_connections
      redis_password redis_port redis_retry_on_timeout redis_socket_connect_timeout redis_socket_keepalive
      redis_socket_timeout redis_username result_accept_content
      result_compression
      security_cert_store security_certificate security_digest security_key security_key_password
      task_acks_on_failure task_acks_on_timeout task_allow_error_cb_on_chord_header
      worker_disable_prefetch worker_eta_task_limit
    `).map((name) => [name, undefined]),
  ),
  brokerConnectionRetry: true,
  controlExchange: 'celery',
  controlQueueExpires: 10,
  controlQueueTtl: 300,
  eventExchange: 'celeryev',
  eventQueueExpires: 60,
  eventQueuePrefix: 'celeryev',
  eventQueueTtl: 5,
  eventSerializer: 'json',
  resultBackendAlwaysRetry: false,
  resultExchange: 'celeryresults',
  resultExchangeType: 'direct',
  resultSerializer: 'json',
  taskCreateMissingQueueExchangeType: 'direct',
  taskCreateMissingQueueType: 'classic',
  taskDefaultQueueType: 'classic',
  taskProtocol: 2,
  workerCancelLongRunningTasksOnConnectionLoss: false,
  workerDeduplicateSuccessfulTasks: false,
}

/** Settings of Celery's that have nothing to act on here: Python's databases, processes, loggers. */
export const withoutEffect: readonly string[] = words(`
  arangodb_backend_settings
  azureblockblob_base_path azureblockblob_connection_timeout azureblockblob_container_name azureblockblob_read_timeout
  azureblockblob_retry_increment_base azureblockblob_retry_initial_backoff_sec azureblockblob_retry_max_attempts
  broker_channel_error_retry broker_login_method
  broker_pool_acquire_timeout broker_pool_limit cache_backend cache_backend_options
  cassandra_auth_kwargs cassandra_auth_provider cassandra_entry_ttl cassandra_keyspace cassandra_options cassandra_port
  cassandra_read_consistency cassandra_servers cassandra_table cassandra_write_consistency
  cosmosdbsql_collection_name cosmosdbsql_consistency_level cosmosdbsql_database_name cosmosdbsql_max_retry_attempts
  cosmosdbsql_max_retry_wait_time couchbase_backend_settings
  database_create_tables_at_setup database_engine_options database_short_lived_sessions database_table_names
  database_table_schemas database_url
  elasticsearch_max_retries elasticsearch_retry_on_timeout elasticsearch_save_meta_as_text elasticsearch_timeout
  gcs_base_path gcs_bucket gcs_project gcs_ttl firestore_project mongodb_backend_settings
  redis_backend_credential_provider result_backend_base_sleep_between_retries_ms result_backend_max_retries
  result_backend_max_sleep_between_retries_ms result_backend_thread_safe result_cache_max
  s3_access_key_id s3_base_path s3_bucket s3_endpoint_url s3_region s3_secret_access_key task_remote_tracebacks
  worker_agent worker_autoscaler worker_consumer worker_detect_quorum_queues worker_enable_prefetch_count_reduction
  worker_hijack_root_logger worker_lost_wait worker_pool_putlocks worker_proc_alive_timeout worker_timer
  worker_timer_precision
`)

/** What to tell about settings that will not act, one sentence a kind. */
export function inertSettings(named: Readonly<Record<string, unknown>>): string[] {
  const inert = withoutEffect.filter((name) => Object.hasOwn(named, name))
  const missing = Object.keys(notSupportedYet).filter(
    (name) => Object.hasOwn(named, name) && !holds(notSupportedYet[name], named[name]),
  )
  return [
    ...(inert.length > 0 ? [`settings known to Celery, without effect here: ${inert.join(', ')}`] : []),
    ...missing.map((name) => `the setting ${name} is not supported yet${instead(notSupportedYet[name])}`),
  ]
}

const holds = (inForce: unknown, given: unknown) => given === inForce || given === null

const instead = (inForce: unknown) => (inForce === undefined ? '' : `; it is as with ${JSON.stringify(inForce)}`)

function words(text: string): string[] {
  return text.trim().split(/\s+/).map(camelCase)
}
