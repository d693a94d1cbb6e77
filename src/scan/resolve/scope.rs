//! Which kinds have no namespace.

/// Kinds of the cluster itself, by group. Of kinds that the list does not know, kubestats takes it that they have a namespace, as most do: a
/// repository's own definitions may be of any version, and most lie in other repositories.
const CLUSTER_SCOPED: [(&str, &[&str]); 29] = [
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    ("admissionregistration.k8s.io", ALL),
    ("apiextensions.k8s.io", ALL),
    ("apiregistration.k8s.io", ALL),
    ("cert-manager.io", &["ClusterIssuer"]),
    ("certificates.k8s.io", ALL),
    (
        "cilium.io",
        &[
            "CiliumBGPAdvertisement",
            "CiliumBGPClusterConfig",
            "CiliumBGPNodeConfig",
            "CiliumBGPNodeConfigOverride",
            "CiliumBGPPeerConfig",
            "CiliumBGPPeeringPolicy",
            "CiliumCIDRGroup",
            "CiliumClusterwideEnvoyConfig",
            "CiliumClusterwideNetworkPolicy",
            "CiliumEgressGatewayPolicy",
            "CiliumExternalWorkload",
            "CiliumIdentity",
            "CiliumL2AnnouncementPolicy",
            "CiliumLoadBalancerIPPool",
            "CiliumNode",
        ],
    ),
    ("external-secrets.io", &["ClusterExternalSecret", "ClusterPushSecret", "ClusterSecretStore"]),
    ("flowcontrol.apiserver.k8s.io", ALL),
    ("gateway.networking.k8s.io", &["GatewayClass"]),
    ("groupsnapshot.storage.k8s.io", &["VolumeGroupSnapshotClass", "VolumeGroupSnapshotContent"]),
    ("internal.apiserver.k8s.io", ALL),
    ("kustomize.config.k8s.io", ALL),
    ("kyverno.io", &["ClusterCleanupPolicy", "ClusterPolicy", "GlobalContextEntry"]),
    ("networking.k8s.io", &["IPAddress", "IngressClass", "ServiceCIDR"]),
    ("nfd.k8s-sigs.io", &["NodeFeatureRule"]),
    ("nfd.kubernetes.io", &["NodeFeatureDiscovery"]),
    ("node.k8s.io", ALL),
    ("policies.kyverno.io", &["ImageValidatingPolicy", "ValidatingPolicy"]),
    ("policy", &["PodSecurityPolicy"]),
    ("projectcalico.org", &["BGPConfiguration", "BGPPeer", "FelixConfiguration", "GlobalNetworkPolicy", "IPPool"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "ResourceSlice"]),
    ("scheduling.k8s.io", ALL),
    ("security.openshift.io", &["SecurityContextConstraints"]),
    ("snapshot.storage.k8s.io", &["VolumeSnapshotClass", "VolumeSnapshotContent"]),
    ("storage.k8s.io", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"]),
    ("tuppr.home-operations.com", &["KubernetesUpgrade", "TalosUpgrade"]),
    ("wgpolicyk8s.io", &["ClusterPolicyReport"]),
];

/// Every kind of the group.
const ALL: &[&str] = &["*"];

pub fn is_cluster_scoped(group: &str, kind: &str) -> bool {
    let found = CLUSTER_SCOPED.iter().find(|(listed, _)| *listed == group);
    found.is_some_and(|(_, kinds)| kinds.iter().any(|listed| *listed == kind || *listed == "*"))
}

#[cfg(test)]
mod tests {
    use super::is_cluster_scoped;

    #[test]
    fn kinds_of_the_cluster_are_told_from_those_of_a_namespace() {
        for (group, kind) in [
            ("", "Namespace"),
            ("apiextensions.k8s.io", "CustomResourceDefinition"),
            ("cert-manager.io", "ClusterIssuer"),
        ] {
            assert!(is_cluster_scoped(group, kind), "{kind}");
        }
        for (group, kind) in [
            ("", "Pod"),
            ("cert-manager.io", "Issuer"),
            ("postgresql.cnpg.io", "Cluster"),
            ("unknown.example.org", "Thing"),
        ] {
            assert!(!is_cluster_scoped(group, kind), "{kind}");
        }
    }
}
