"""UserService: administration of accounts."""
# ruff: noqa: N802  the contract names the methods

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from protos.auth.v1 import users_pb2 as pb
from protos.auth.v1 import users_pb2_grpc
from services.auth.parts import Parts
from services.auth.users import Change, User, Wanted
from shared.principal import current
from shared.rpc.server import Service


@dataclass(frozen=True)
class UserServicer(users_pb2_grpc.UserServiceServicer):
    """Answers administrators."""

    parts: Parts

    async def ListUsers(self, request: pb.ListUsersRequest, _: Any) -> pb.ListUsersResponse:
        """Return a page of users."""
        disabled = request.disabled if request.HasField("disabled") else None
        wanted = Wanted(request.search, request.role, disabled, request.page_size, request.page_token)
        found = await self.parts.users.page(wanted)
        items = [to_managed(user) for user in found.users]
        return pb.ListUsersResponse(items=items, next_page_token=found.next_token, total_size=found.total)

    async def CreateUser(self, request: pb.CreateUserRequest, _: Any) -> pb.CreateUserResponse:
        """Return the invited user."""
        made = await self.parts.users.invite(request.email, request.full_name, request.roles, request.regions)
        return pb.CreateUserResponse(user=to_managed(made))

    async def GetUser(self, request: pb.GetUserRequest, _: Any) -> pb.GetUserResponse:
        """Return one user."""
        return pb.GetUserResponse(user=to_managed(await self.parts.users.get(request.id)))

    async def UpdateUser(self, request: pb.UpdateUserRequest, _: Any) -> pb.UpdateUserResponse:
        """Return the user as it is now."""
        change = Change(
            full_name=request.full_name if request.HasField("full_name") else None,
            roles=list(request.roles) or None,
            regions=() if request.all_regions else list(request.regions) or None,
            disabled=request.disabled if request.HasField("disabled") else None,
        )
        changed = await self.parts.users.change(current.get(), request.id, change)
        return pb.UpdateUserResponse(user=to_managed(changed))

    async def ResetUserMfa(self, request: pb.ResetUserMfaRequest, _: Any) -> pb.ResetUserMfaResponse:
        """Return how many sessions ended."""
        ended = await self.parts.users.reset_second_factor(current.get(), request.id)
        return pb.ResetUserMfaResponse(sessions_ended=ended)

    async def DeleteUser(self, request: pb.DeleteUserRequest, _: Any) -> pb.DeleteUserResponse:
        """Return nothing: the user is erased."""
        await self.parts.users.erase(current.get(), request.id)
        return pb.DeleteUserResponse()

    async def EndUserSessions(self, request: pb.EndUserSessionsRequest, _: Any) -> pb.EndUserSessionsResponse:
        """Return how many sessions were ended."""
        ended = await self.parts.users.end_sessions(request.id)
        return pb.EndUserSessionsResponse(sessions_ended=ended)


def service(parts: Parts) -> Service:
    """Return what the server registers."""
    descriptor = pb.DESCRIPTOR.services_by_name["UserService"]
    return Service(UserServicer(parts), descriptor, users_pb2_grpc.add_UserServiceServicer_to_server)


def to_managed(user: User) -> pb.ManagedUser:
    """Return an account as an administrator sees it."""
    account = user.account
    return pb.ManagedUser(
        id=account.id,
        email=account.email,
        full_name=account.full_name,
        roles=account.roles,
        regions=account.regions or (),
        disabled=account.disabled,
        email_verified=account.email_verified,
        has_password=user.has_password,
        created_at=account.created_at,
        updated_at=user.updated_at,
        last_login_at=user.last_login_at,
        second_factor=account.second_factor,
    )
