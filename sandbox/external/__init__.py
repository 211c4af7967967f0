"""Back-ends that lean on somebody else's isolation: bubblewrap, docker or podman, SandboxFusion, Piston, E2B."""
