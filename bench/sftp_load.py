# SPDX-License-Identifier: Apache-2.0
"""Uploads by OpenSSH's sftp, to cais and to OpenSSH's own server, for the line `sftp` of bench/run."""
import getpass
import os
import subprocess
import time

CIPHER = "aes128-gcm@openssh.com"


def make_key(folder, name):
    path = os.path.join(folder, name)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


class Target:
    """Where files are sent: a port, a login with its key, and the folder for uploads."""

    def __init__(self, port, login, key, folder):
        self.port, self.login, self.key, self.folder = port, login, key, folder

    def put_seconds(self, path, name):
        """Send a file and have it flushed; how long that takes, login included."""
        batch = f"put -f {path} {os.path.join(self.folder, name)}\n"
        command = ["sftp", "-q", "-b", "-", "-F", "/dev/null", f"-oPort={self.port}", f"-oIdentityFile={self.key}", "-oIdentitiesOnly=yes",
                   "-oBatchMode=yes", f"-oCiphers={CIPHER}", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
                   f"{self.login}@127.0.0.1"]
        begin = time.monotonic()
        subprocess.run(command, input=batch, text=True, capture_output=True, check=True, timeout=300)
        return time.monotonic() - begin


class OpenSSH:
    """sshd with its sftp-server, which takes files for the user who runs this."""

    def __init__(self, folder, port):
        self.files = os.path.join(folder, "files")
        os.makedirs(self.files)
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # where sshd of root puts those who have not logged in
        key, host_key = make_key(folder, "user"), make_key(folder, "host")
        self.target = Target(port, getpass.getuser(), key, self.files)
        config = os.path.join(folder, "sshd_config")
        with open(config, "w") as f:
            f.write(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nAuthorizedKeysFile {key}.pub\nStrictModes no\nUsePAM no\n"
                    f"PidFile none\nPermitRootLogin prohibit-password\nSubsystem sftp /usr/lib/openssh/sftp-server\n")
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-q", "-f", config], stdin=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
