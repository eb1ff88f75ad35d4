/** Support for what pods use: configuration, volumes, services and network policies. */
import type { SupportTable } from './types.ts'

const status = { status: 'ignored, as an API server ignores it' }
const networkVolume = 'kube mounts what is on this machine only'
const directories = 'every volume is a directory of this machine'
const noBalancer = 'there is no load balancer in front of one machine'
const oneNode = 'there is one node'

export const objectSupport: SupportTable = {
  V1ConfigMap: { honoured: 'apiVersion binaryData data immutable kind metadata' },
  V1Secret: { honoured: 'apiVersion data immutable kind metadata stringData type' },
  V1PersistentVolumeClaim: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1PersistentVolumeClaimSpec: {
    honoured: 'accessModes resources selector volumeMode volumeName',
    accepted: { storageClassName: directories, volumeAttributesClassName: directories },
    refused: {
      dataSource: 'kube fills no volume from another',
      dataSourceRef: 'kube fills no volume from another',
    },
  },
  V1VolumeResourceRequirements: { honoured: 'requests', accepted: { limits: directories } },
  V1PersistentVolume: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1PersistentVolumeSpec: {
    honoured: 'accessModes capacity claimRef hostPath local volumeMode',
    accepted: {
      mountOptions: directories,
      nodeAffinity: oneNode,
      persistentVolumeReclaimPolicy: 'volumes are kept until they are removed by hand',
      storageClassName: directories,
      volumeAttributesClassName: directories,
    },
    refused: {
      awsElasticBlockStore: networkVolume,
      azureDisk: networkVolume,
      azureFile: networkVolume,
      cephfs: networkVolume,
      cinder: networkVolume,
      csi: 'there are no CSI drivers',
      fc: networkVolume,
      flexVolume: networkVolume,
      flocker: networkVolume,
      gcePersistentDisk: networkVolume,
      glusterfs: networkVolume,
      iscsi: networkVolume,
      nfs: `${networkVolume}: mount it on the machine and use hostPath`,
      photonPersistentDisk: networkVolume,
      portworxVolume: networkVolume,
      quobyte: networkVolume,
      rbd: networkVolume,
      scaleIO: networkVolume,
      storageos: networkVolume,
      vsphereVolume: networkVolume,
    },
  },
  V1ObjectReference: {
    honoured: 'name namespace',
    accepted: {
      apiVersion: 'the place says what it refers to',
      fieldPath: 'the place says what it refers to',
      kind: 'the place says what it refers to',
      resourceVersion: 'the newest one is meant',
      uid: 'the name says which one is meant',
    },
  },
  V1LocalVolumeSource: { honoured: 'path', accepted: { fsType: directories } },
  V1Service: { honoured: 'apiVersion kind metadata spec', accepted: status },
  V1ServiceSpec: {
    honoured:
      'clusterIP clusterIPs externalName ports publishNotReadyAddresses selector sessionAffinity sessionAffinityConfig type',
    accepted: {
      allocateLoadBalancerNodePorts: noBalancer,
      externalIPs: noBalancer,
      externalTrafficPolicy: oneNode,
      healthCheckNodePort: noBalancer,
      internalTrafficPolicy: oneNode,
      ipFamilies: 'services have the address family of the network',
      ipFamilyPolicy: 'services have the address family of the network',
      loadBalancerClass: noBalancer,
      loadBalancerIP: noBalancer,
      loadBalancerSourceRanges: noBalancer,
      trafficDistribution: oneNode,
    },
  },
  V1ServicePort: {
    honoured: 'name nodePort port protocol targetPort',
    accepted: { appProtocol: 'a hint for load balancers and meshes' },
  },
  V1SessionAffinityConfig: { honoured: 'clientIP' },
  V1ClientIPConfig: { honoured: 'timeoutSeconds' },
  V1NetworkPolicy: { honoured: 'apiVersion kind metadata spec' },
  V1NetworkPolicySpec: { honoured: 'egress ingress podSelector policyTypes' },
  V1NetworkPolicyEgressRule: { honoured: 'ports to' },
  V1NetworkPolicyIngressRule: { honoured: 'from ports' },
  V1NetworkPolicyPeer: { honoured: 'ipBlock namespaceSelector podSelector' },
  V1NetworkPolicyPort: { honoured: 'endPort port protocol' },
  V1IPBlock: { honoured: 'cidr except' },
}
