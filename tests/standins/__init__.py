"""A stand-in for Google Cloud on loopback: Vertex AI's services, and a bucket.

It speaks the wire format of the installed SDK and runs each custom job as local processes, so a
test that passes shows that the calls are right, not that Google accepts them.
"""

from tests.standins.cloud import Cloud
from tests.standins.control import Remote, apart

__all__ = ["Cloud", "Remote", "apart"]
