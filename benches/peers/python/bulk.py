"""The pattern that the idea of bulk operations began with: asyncio, so many records at a time, on aiohttp.

`plain` updates each record and refreshes it. `idempotent` refreshes first and updates only where the TTL differs.
"""

import asyncio
import ssl

import aiohttp
import peer


class Appliance:
    """The /rest services that the pattern uses, by Basic login, over as many connections as there may be calls."""

    def __init__(self, chosen, session):
        self.url = f"https://{chosen.host}/rest"
        self.session = session
        self.calls = 0

    async def call(self, method, service, **parameters):
        """The rows of an answer; none for 204."""
        self.calls += 1
        async with self.session.request(method, f"{self.url}/{service}", params=parameters) as answer:
            if answer.status == 204:
                return []
            body = await answer.json(content_type=None)
        rows = body if isinstance(body, list) else [body]
        if answer.status >= 400 or any(row.get("errno", "0") != "0" or "errmsg" in row for row in rows):
            raise RuntimeError(f"{service}: {answer.status} {rows[:1]}")
        return rows

    async def find(self, record):
        """The id of a record: updates and refreshes need it, and nobody but the appliance knows it."""
        where = (
            f"rr_full_name='{quoted(record.name)}' and rr_type='{record.type}' and value1='{quoted(record.value)}' "
            f"and dnszone_name='{quoted(record.zone)}' and dns_name='{quoted(record.server)}'"
        )
        rows = await self.call("GET", "dns_rr_list", WHERE=where, limit="1")
        if not rows:
            raise LookupError("there is no such record")
        return rows[0]["rr_id"]

    async def refresh(self, rr_id):
        """The TTL of a record."""
        rows = await self.call("GET", "dns_rr_info", rr_id=rr_id)
        return int(rows[0]["ttl"])

    async def update(self, rr_id, record):
        """Writes the TTL, and refreshes."""
        ttl = str(record.new_ttl)
        await self.call("PUT", "dns_rr_add", rr_id=rr_id, rr_ttl=ttl, value1=record.value, add_flag="edit_only")
        ttl = await self.refresh(rr_id)
        if ttl != record.new_ttl:
            raise ValueError(f"the TTL is {ttl} after the update")


def quoted(text):
    """A text within the single quotes of a filter."""
    return text.replace("'", "''")


async def bring_about(appliance, record, idempotent, result):
    """One record: found, refreshed if so wished, updated if need be."""
    try:
        rr_id = await appliance.find(record)
        if idempotent and await appliance.refresh(rr_id) == record.new_ttl:
            result.skipped += 1
            return
        await appliance.update(rr_id, record)
        result.updated += 1
    except Exception as error:  # the other records are still of interest
        result.fail(record, error)


async def main():
    chosen = peer.arguments("plain", "idempotent")
    result = peer.Result(f"asyncio-{chosen.mode}")
    bound = asyncio.Semaphore(chosen.concurrency)
    connector = aiohttp.TCPConnector(limit=chosen.concurrency, ssl=ssl.create_default_context(cafile=chosen.ca))
    login = {"Authorization": aiohttp.encode_basic_auth(chosen.user, chosen.password)}
    async with aiohttp.ClientSession(connector=connector, headers=login) as session:
        appliance = Appliance(chosen, session)

        async def bounded(record):
            async with bound:
                await bring_about(appliance, record, chosen.mode == "idempotent", result)

        await asyncio.gather(*(bounded(record) for record in chosen.records))
        result.print(appliance.calls, aiohttp=aiohttp.__version__)


if __name__ == "__main__":
    asyncio.run(main())
