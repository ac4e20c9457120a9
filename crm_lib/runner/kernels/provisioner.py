"""The Jupyter kernel provisioner `crm-forked`: a real ipykernel, forked from a warm process.

Entry point `jupyter_client.kernel_provisioners`. Without a warm process, or for a kernel of another kind, it
starts a plain process as Jupyter's own provisioner does.
"""

from __future__ import annotations

import os
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from crm_lib.runner.kernels.forked import ADDRESS, Forked, Unavailable

NAME = "crm-forked"
LAUNCHER = "ipykernel_launcher"


class ForkedKernel(LocalProvisioner):
    """Jupyter's provisioner with another way to begin; all the rest is inherited."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork where that is possible, else start a process."""
        environment = dict(kwargs.get("env") or os.environ)
        address = environment.pop(ADDRESS, "") or os.environ.get(ADDRESS, "")
        kwargs["env"] = environment
        if not address or LAUNCHER not in cmd:
            return await super().launch_kernel(cmd, **kwargs)
        environment["JPY_PARENT_PID"] = str(os.getpid())
        arguments = cmd[cmd.index(LAUNCHER) + 1 :]
        with open(os.devnull, "rb") as nothing:
            try:
                streams = (nothing.fileno(), 1, 2)
                self.process = Forked(address, streams, environment, kwargs.get("cwd") or os.getcwd(), arguments)
            except Unavailable:
                return await super().launch_kernel(cmd, **kwargs)
        self.pid = self.pgid = self.process.pid
        return self.connection_info
