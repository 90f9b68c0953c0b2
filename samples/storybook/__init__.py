"""The made-up company behind ``samples/``: Nordhaven Ferries, its people, its workloads and its CloudTrail log.

``world`` names everything that exists, ``identities`` writes ``userIdentity`` blocks, ``calls`` describes single API
calls, ``journal`` turns a caller and a call into records and keeps what a correct replay must say about them, the story
modules and ``routine`` tell what happened, and ``delivery`` lays the records out as CloudTrail does.
"""
