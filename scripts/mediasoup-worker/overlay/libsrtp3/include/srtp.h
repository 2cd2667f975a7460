// The calls of libsrtp 3 that mediasoup-worker makes, expressed over Debian's libsrtp 2.
//
// What differs between the two: version 3 hides the policy behind a pointer with setters, and it
// writes its result to a second buffer where version 2 transforms the packet in place.
#pragma once
#include <srtp2/srtp.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

// Two statuses that version 2 never returns; mediasoup only turns them into text.
#define srtp_err_status_buffer_small static_cast<srtp_err_status_t>(28)
#define srtp_err_status_cryptex_err static_cast<srtp_err_status_t>(29)

namespace srtp_over_v2
{
	struct OwnedPolicy
	{
		srtp_policy_t policy;
		// Version 2 wants key and salt in one block that outlives the policy's use.
		uint8_t keyAndSalt[SRTP_MAX_KEY_LEN];
	};

	using PolicyHandle = OwnedPolicy*;

	inline srtp_err_status_t policyCreate(PolicyHandle* handle)
	{
		*handle = new (std::nothrow) OwnedPolicy();

		return *handle ? srtp_err_status_ok : srtp_err_status_alloc_fail;
	}

	inline void policyDestroy(PolicyHandle handle)
	{
		delete handle;
	}

	inline srtp_err_status_t policySetSsrc(PolicyHandle handle, srtp_ssrc_t ssrc)
	{
		handle->policy.ssrc = ssrc;

		return srtp_err_status_ok;
	}

	inline srtp_err_status_t policySetProfile(PolicyHandle handle, srtp_profile_t profile)
	{
		const auto status = srtp_crypto_policy_set_from_profile_for_rtp(&handle->policy.rtp, profile);

		if (status != srtp_err_status_ok)
			return status;

		return srtp_crypto_policy_set_from_profile_for_rtcp(&handle->policy.rtcp, profile);
	}

	// The last two parameters of version 3 name a master key identifier, which mediasoup does not use.
	inline srtp_err_status_t policyAddKey(
	  PolicyHandle handle,
	  const uint8_t* key,
	  size_t keyBytes,
	  const uint8_t* salt,
	  size_t saltBytes,
	  const uint8_t* /*mki*/,
	  size_t /*mkiBytes*/)
	{
		if (keyBytes + saltBytes > sizeof(handle->keyAndSalt))
			return srtp_err_status_bad_param;

		std::memcpy(handle->keyAndSalt, key, keyBytes);
		std::memcpy(handle->keyAndSalt + keyBytes, salt, saltBytes);
		handle->policy.key = handle->keyAndSalt;

		return srtp_err_status_ok;
	}

	inline srtp_err_status_t policySetAllowRepeatTx(PolicyHandle handle, bool allow)
	{
		handle->policy.allow_repeat_tx = allow;

		return srtp_err_status_ok;
	}

	inline srtp_err_status_t policySetWindowSize(PolicyHandle handle, size_t packets)
	{
		handle->policy.window_size = packets;

		return srtp_err_status_ok;
	}

	inline srtp_err_status_t create(srtp_t* session, PolicyHandle handle)
	{
		return ::srtp_create(session, &handle->policy);
	}

	using InPlaceTransform = srtp_err_status_t (*)(srtp_t, void*, int*);

	inline srtp_err_status_t transform(
	  InPlaceTransform inPlace, srtp_t session, const uint8_t* in, size_t inBytes, uint8_t* out, size_t* outBytes)
	{
		if (out != in)
			std::memmove(out, in, inBytes);

		int bytes         = static_cast<int>(inBytes);
		const auto status = inPlace(session, out, &bytes);

		if (status == srtp_err_status_ok)
			*outBytes = static_cast<size_t>(bytes);

		return status;
	}

	// Protecting appends a tag, and version 2 trusts its caller that there is room for it.
	inline srtp_err_status_t transformWithTrailer(
	  InPlaceTransform inPlace, srtp_t session, const uint8_t* in, size_t inBytes, uint8_t* out, size_t* outBytes)
	{
		if (inBytes + SRTP_MAX_TRAILER_LEN > *outBytes)
			return srtp_err_status_buffer_small;

		return transform(inPlace, session, in, inBytes, out, outBytes);
	}

	inline srtp_err_status_t protect(
	  srtp_t session, const uint8_t* in, size_t inBytes, uint8_t* out, size_t* outBytes, size_t /*mkiIndex*/)
	{
		return transformWithTrailer(::srtp_protect, session, in, inBytes, out, outBytes);
	}

	inline srtp_err_status_t protectRtcp(
	  srtp_t session, const uint8_t* in, size_t inBytes, uint8_t* out, size_t* outBytes, size_t /*mkiIndex*/)
	{
		return transformWithTrailer(::srtp_protect_rtcp, session, in, inBytes, out, outBytes);
	}

	inline srtp_err_status_t unprotect(
	  srtp_t session, const uint8_t* in, size_t inBytes, uint8_t* out, size_t* outBytes)
	{
		return transform(::srtp_unprotect, session, in, inBytes, out, outBytes);
	}

	inline srtp_err_status_t unprotectRtcp(
	  srtp_t session, const uint8_t* in, size_t inBytes, uint8_t* out, size_t* outBytes)
	{
		return transform(::srtp_unprotect_rtcp, session, in, inBytes, out, outBytes);
	}

	inline srtp_err_status_t streamRemove(srtp_t session, uint32_t ssrc)
	{
		return ::srtp_remove_stream(session, ssrc);
	}
}

// From here on the names of version 3 mean the functions above.
#define srtp_policy_t srtp_over_v2::PolicyHandle
#define srtp_policy_create srtp_over_v2::policyCreate
#define srtp_policy_destroy srtp_over_v2::policyDestroy
#define srtp_policy_set_ssrc srtp_over_v2::policySetSsrc
#define srtp_policy_set_profile srtp_over_v2::policySetProfile
#define srtp_policy_add_key srtp_over_v2::policyAddKey
#define srtp_policy_set_allow_repeat_tx srtp_over_v2::policySetAllowRepeatTx
#define srtp_policy_set_window_size srtp_over_v2::policySetWindowSize
#define srtp_create srtp_over_v2::create
#define srtp_protect srtp_over_v2::protect
#define srtp_protect_rtcp srtp_over_v2::protectRtcp
#define srtp_unprotect srtp_over_v2::unprotect
#define srtp_unprotect_rtcp srtp_over_v2::unprotectRtcp
#define srtp_stream_remove srtp_over_v2::streamRemove
