# Gofer's configuration, for a server that is run by systemd.
#
# Every setting stands here. What is commented out (#name = …) is the default or, where there is none, an example.
# Options of `gofer service start` and variables of the environment (`gofer service printenv`) beat this file.
# After a change: `gofer service config check FILE`, then `systemctl reload gofer` or `gofer service reload`.
# Settings marked "reload" change while the server runs, the others when it starts again.

# Conveniences for one person's machine. Set false for a server. (default true)
dev_mode = false

# How much the server says of itself. (debug or info or warning or error, default "info", reload)
#log_level = "info"

# How the server's own log is written: for people, or an object a line. (text or json, default "text")
#log_format = "text"

# How long events are kept. (duration, default "4380h", reload)
#event_log_retention = "4380h"

# How often events that are too old are removed. (duration, default "3h", reload)
#event_prune_interval = "3h"

# How long a token is still listed after its expiry. (duration, default "720h", reload)
#expired_token_retention = "720h"

# Start no new runs: those that run go on to their end, queued ones wait. For maintenance. (default false,
# reload)
#ignore_pipeline_run_events = false

# How many runs may be running at once in the whole server. 0: no limit. (default 0, reload)
#run_parallelism_limit = 0

# How many task runs may be at the engine at once in the whole server. 0: no limit. (default 100, reload)
#task_parallelism_limit = 100

# How many versions a pipeline keeps, beside those in use. 0: all. (default 0, reload)
#pipeline_version_retention = 0

# Folder of the logs of task runs. Default: systemd's `LogsDirectory`, else `logs` in `server.storage_path`.
task_run_logs_dir = "/var/log/gofer"

# For how many of its newest runs a pipeline's logs are kept. 0: for all. (default 20, reload)
#task_run_log_expiry = 20

# How long a container may take to stop before it is killed. (duration, default "5m", reload)
#task_run_stop_timeout = "5m"

# Allow the `process` engine outside dev mode. It isolates nothing. (default false)
#allow_process_engine = false

# Allow tasks to ask for privileged containers. (default false, reload)
#allow_privileged = false

# Engine networks that tasks may ask for. (default [], reload)
#allowed_networks = []

# Folders of the engine's host that tasks may mount, with all that is in them. (default [], reload)
#allowed_mounts = []

server {
  # Address and port to listen on: `localhost`, an IP address, or `0.0.0.0` or `[::]` for all addresses of the
  # machine. In dev mode loopback only; beyond that a certificate is needed, or `server.allow_plain_http`.
  # (default "localhost:8080")
  #host = "localhost:8080"

  # Listen on others than loopback addresses without TLS. Only behind a proxy that speaks https, on a network
  # that you trust. (default false)
  #allow_plain_http = false

  # Where others reach this server, as in `https://gofer.example.org`: what links in answers to webhooks and in
  # notifications begin with, and where triggers on another machine dial in. Empty: `server.host`. (default "")
  #advertise_url = ""

  # Names under which the server may be called, beside `localhost`, loopback addresses and what its certificate
  # is for: a proxy's, or those of a forwarded port. `*.example.org` is any one name below that. (default [],
  # reload)
  #allowed_hosts = []

  # Folder of the database, logs and scratch files. Default: systemd's `StateDirectory`, else
  # `$XDG_DATA_HOME/gofer`, else `~/.local/share/gofer`.
  storage_path = "/var/lib/gofer"

  # How many items one page of a list has at most, however many a request asks for. (default 200, at most 1000,
  # reload)
  #storage_results_limit = 200

  # Certificate (PEM, with those between it and the authority). With it and `server.tls_key_path` the server
  # speaks https, TLS 1.2 or newer. A reload reads it anew. (reload)
  #tls_cert_path = "/etc/gofer/tls.crt"

  # The certificate's private key (PEM, not encrypted). (reload)
  #tls_key_path = "/etc/gofer/tls.key"

  # Addresses and networks of reverse proxies: from these, and nobody else, `X-Forwarded-For` and `X-Forwarded-
  # Proto` are believed. (default [], reload)
  #trusted_proxies = []

  # In dev mode speak https with a certificate for this machine, which is made at the first start in the folder
  # `dev-tls` of `server.storage_path`. (default false)
  #dev_certificate = false

  # How long a browser that has called the server by https, by a name, is to call no port of that host
  # otherwise. `0s`: it forgets that. Outside dev mode. (duration, default "8760h", reload)
  #hsts_max_age = "8760h"

  # How long a browser stays signed in without asking for anything. A stream that is open counts as asking.
  # (duration, default "12h", reload)
  #session_idle_timeout = "12h"

  # How long a browser stays signed in at the most: then it has to show its token again. (duration, default
  # "168h", reload)
  #session_lifetime = "168h"

  # How many requests a minute one address (IPv6: /64 network) may make with a token or cookie that is not good;
  # more are answered 429. Good ones pass at any time. 0: any number. (default 20, reload)
  #failed_auth_limit = 20

  # How long open requests may take to end when the server stops. (duration, default "15s")
  #shutdown_timeout = "15s"

  # Largest body of a request. (size, default "8MiB", reload)
  #max_body_bytes = "8MiB"

  # Largest head of a request: its first line and all headers. (size, default "32kiB", reload)
  #max_header_bytes = "32kiB"

  # Largest message that a websocket takes. (size, default "1MiB", reload)
  #max_frame_bytes = "1MiB"

  # How long a client may take for the head of a request, and again for its body unless that is an upload; and
  # for a TLS handshake. (duration, default "30s", reload)
  #request_timeout = "30s"

  # How long an upload may bring nothing, or a client take nothing of what it is sent, before it is cut off.
  # (duration, default "10m", reload)
  #stall_timeout = "10m"

  # How many connections may be open. With one more, the one is closed that has been without a whole request for
  # longest; if all are busy, the new one gets a 503. (default 4096, reload)
  #max_connections = 4096

  # How many requests a token may have under way at once. (default 512, reload)
  #max_connections_per_token = 512

  # How many websockets a token may have open. (default 500, reload)
  #max_subscriptions_per_token = 500
}

external_events_api {
  # Listen for what other services tell triggers, such as GitHub's webhooks: `POST /events/TRIGGER`. (default
  # false)
  #enable = false

  # Address and port to listen on for that, and for nothing else; written as `server.host`, and with the
  # server's certificate if it has one. The same rules hold beyond loopback. (default "localhost:8081")
  #host = "localhost:8081"

  # Largest body of an external event. (size, default "4MiB", at most 15728640, reload)
  #max_body_bytes = "4MiB"

  # How many external events a second one trigger takes, over some seconds; more are answered 429. 0: any
  # number. (default 1000, reload)
  #rate_limit = 1000

  # How many of them may come from one address (IPv6: /64 network), over all triggers. 0: any number. (default
  # 500, reload)
  #address_rate_limit = 500
}

scheduler {
  # What runs containers. `auto`: Docker if it answers, else plain processes (dev mode only). (auto or docker or
  # process or fake, default "auto")
  engine = "docker"

  docker {
    # Docker Engine, as in `unix:///var/run/docker.sock`. Empty: `DOCKER_HOST`, else that socket. (default "")
    #host = ""

    # How many containers are started at once. (default 6)
    #start_concurrency = 6

    # The engine's log driver for Gofer's containers: `local` or `json-file`. (default "local")
    #log_driver = "local"

    # Put a small init process before each command, so that signals reach it and zombies are reaped. (default
    # true)
    #init = true

    # Remove ended containers of Gofer that were left behind, now and then. (default false)
    #prune = false

    # How often to do that. (duration, default "24h")
    #prune_interval = "24h"
  }
}

object_store {
  # What keeps the bytes of objects. (sqlite or filesystem, default "sqlite")
  #engine = "sqlite"

  # How many objects a pipeline keeps: with a new one over that, the oldest goes. 0: no limit. (default 50,
  # reload)
  #pipeline_object_limit = 50

  # For how many further runs the objects of a run are kept. 0: for all. (default 50, reload)
  #run_object_expiry = 50

  # Largest object, and most that an archive may unpack to. (size, default "10GiB", reload)
  #max_object_bytes = "10GiB"

  # How many files and folders an archive may have. (default 100000, reload)
  #max_archive_files = 100000

  sqlite {
    # File of the `sqlite` object store. Default: `objects.db` in `server.storage_path`.
    #path = "/var/lib/gofer/objects.db"
  }

  filesystem {
    # Folder of the `filesystem` object store. Default: `objects` in `server.storage_path`.
    #path = "/var/lib/gofer/objects"
  }
}

secret_store {
  # What keeps the values of secrets. (sqlite, default "sqlite")
  #engine = "sqlite"

  sqlite {
    # File of the `sqlite` secret store. Default: `secrets.db` in `server.storage_path`.
    #path = "/var/lib/gofer/secrets.db"

    # What secrets are encrypted with: exactly 32 characters, or 32 bytes in base64. Empty: the systemd
    # credential `gofer.encryption-key`; in dev mode, without that too, a sample key. (default "", reload)
    #encryption_key = ""

    # Keys that secrets may still be encrypted with, until `gofer secret rotate-key` is through. (default [],
    # reload)
    #previous_encryption_keys = []
  }
}

triggers {
  # Install `interval` and `cron` at the first start. (default true)
  #install_base_triggers = true

  # How long a trigger may take to stop before it is killed. (duration, default "30s", reload)
  #stop_timeout = "30s"
}
