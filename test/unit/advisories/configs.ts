/** A config.json of a small household: a provider, a CI that may only create, anonymous reads and metrics. */
export const household = `{
  "distSpecVersion": "1.1.1",
  "storage": { "rootDirectory": "/data/zot", "gc": true },
  "http": {
    "address": "127.0.0.1",
    "port": "5050", // behind the proxy
    "externalUrl": "https://registry.example.test",
    "auth": {
      "htpasswd": { "path": "/etc/zot/htpasswd" },
      "openid": {
        "providers": {
          "oidc": {
            "issuer": "https://id.example.test",
            "clientid": "zot",
            "clientsecret": "hush-hush",
            "scopes": ["openid", "email", "groups"]
          }
        }
      }
    },
    "accessControl": {
      "repositories": {
        "shipyard/**": {
          "policies": [{ "users": ["zot-ci"], "actions": ["read", "create"] }],
          "anonymousPolicy": ["read"]
        }
      },
      // Prometheus has no account.
      "metrics": { "users": [""] }
    }
  },
  "log": { "level": "info" },
  "extensions": { "metrics": { "enable": true } }
}
`

/** Nothing that any fact but the time limits concerns. */
export const plainConfig = `{
  "storage": { "rootDirectory": "/data/zot" },
  "http": { "address": "127.0.0.1", "port": "5050" }
}
`

export const file = '/etc/zot/config.json'
export const configOf = (text: string) => ({ file, text })

export const versions = Array.from({ length: 13 }, (_, index) => `v2.1.${index + 8}`)
export const patch = (version: string): number => Number(version.split('.')[2])
