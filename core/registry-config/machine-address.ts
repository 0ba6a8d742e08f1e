import type { NetworkInterfaceInfo } from 'node:os'

export type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>

/** Bridges and pairs of virtual machines and containers: nobody outside this machine is on them. */
const inside =
  /^(docker|br-|veth|virbr|vmnet|vnic|vboxnet|bridge|lxc|lxd|incus|cni|flannel|cali|cilium|podman|nerdctl|ap\d|anpi|awdl|llw)/
/** Tunnels: only others in the same private network are at their other end. */
const tunnel = /^(utun|tun|tap|wg|tailscale|ipsec|ppp|zt|ham|nebula|gif|stf)/

interface Candidate {
  name: string
  family: 4 | 6
  address: string
}

/**
 * The address of this machine that others most likely reach: of a network card before a tunnel (a VPN, Tailscale), IPv4
 * before IPv6, else in the system's order. Never loopback, a bridge of containers, or an address of one link only, which
 * nobody gets elsewhere. As it stands in a URL; undefined where there is none.
 * @param ipv4Only whether the registry does not listen on IPv6
 */
export function machineAddress(interfaces: Interfaces, ipv4Only: boolean): string | undefined {
  const usable = candidatesIn(interfaces).filter(({ family }) => family === 4 || !ipv4Only)
  const [best] = usable.toSorted((a, b) => rank(a) - rank(b))
  return best && (best.family === 6 ? `[${best.address}]` : best.address)
}

const candidatesIn = (interfaces: Interfaces): Candidate[] =>
  Object.entries(interfaces)
    .flatMap(([name, addresses = []]) =>
      addresses
        .filter(({ internal }) => !internal)
        .map(({ family, address }) => ({ name, family: family === 'IPv6' ? 6 : 4, address }) as const),
    )
    .filter(({ name, address }) => !inside.test(name) && !isOfOneLink(address))

/** Lower is better. */
const rank = ({ name, family, address }: Candidate): number =>
  (tunnel.test(name) || isShared(address) ? 2 : 0) + (family === 6 ? 1 : 0)

/** 169.254/16 and fe80::/10. */
const isOfOneLink = (address: string): boolean =>
  address.startsWith('169.254.') || /^fe[89ab][\da-f]:/i.test(address)

/** 100.64/10, which Tailscale and carriers use. */
function isShared(address: string): boolean {
  const [, second] = /^100\.(\d+)\./.exec(address) ?? []
  return second !== undefined && Number(second) >= 64 && Number(second) <= 127
}
