/** The public door of @wmbp/testkit. */
export { startBalancer, startHaproxy, startHaproxyWith, type Balancer } from './balancer.ts';
export { makeCertificate, type Certificate } from './certificate.ts';
export { findServer, type ServerBinary } from './debian-binary.ts';
export { DEADLINE_MS, within } from './deadline.ts';
export { findK6 } from './k6.ts';
export { TestHost, TestPeer, type Arrival, type ReceivedClose, type ReceivedFrame } from './peer.ts';
export { promtool, startPrometheus, type Prometheus } from './prometheus.ts';
export { startProxy, type Direction, type TcpProxy } from './proxy.ts';
export { seeded } from './random.ts';
export { cleanEnv, ROOT, startServer, type LogLine, type ServerProcess } from './server.ts';
export { findRedis8 } from './redis-8.ts';
export { freePort, startRedis, startRedisProcess, type RedisProcess, type TestRedis } from './redis.ts';
export {
  NO_FAILOVER_MS,
  startRedisCluster,
  startRedisSentinels,
  type RedisCluster,
  type RedisNode,
  type RedisSentinels,
} from './redis-topologies.ts';
