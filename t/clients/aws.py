# Signs requests as botocore does.  A request a line, as JSON: method, url,
# headers (those that are signed), body, time, service, region, id, secret,
# token; for each the Authorization header that it must have.

import json
import sys

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class NoExpect:
    """what S3SigV4Auth looks up of a client"""

for line in sys.stdin:
    call = json.loads(line)
    kind = S3SigV4Auth if call['service'] == 's3' else SigV4Auth
    auth = kind(Credentials(call['id'], call['secret'], call.get('token')),
                call['service'], call['region'])
    request = AWSRequest(method=call['method'], url=call['url'],
                         data=call['body'].encode('latin-1'),
                         headers=call['headers'])
    request.context['timestamp'] = call['time']
    request.context['payload_signing_enabled'] = True

    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical),
                               request)
    signed = auth.signed_headers(auth.headers_to_sign(request))

    print(f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, "
          f"SignedHeaders={signed}, Signature={signature}")
