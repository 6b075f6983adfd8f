"""Run by the tests in the environment of clusters: a command on two nodes, of which one is lost.

python ray_nodes.py ROOT COMMAND...
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ray.cluster_utils import Cluster

sys.path.insert(0, str(Path(__file__).parent))
from cluster_runs import sidecar_count, under_way


def main(root: Path, command: list[str]) -> int:
    """The exit code of the command, whose second node is lost in the middle."""
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    try:
        cluster.add_node(num_cpus=1)
        lost = cluster.add_node(num_cpus=1)
        environ = {**os.environ, "RAY_ADDRESS": cluster.address}
        run = subprocess.Popen([sys.executable, "-m", "fauxpay", *command], text=True, env=environ)
        under_way(root, run)
        cluster.remove_node(lost, allow_graceful=False)
        print(f"a node is lost after {sidecar_count(root)} partitions", flush=True)
        return run.wait()
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
